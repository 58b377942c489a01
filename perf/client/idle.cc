// What a connection costs that has been used once: the server's resident memory before and after
// `connections` of them, and its CPU time while all of them are silent.

#include <sys/socket.h>

#include <vector>

#include "perf/client/meter.h"
#include "perf/client/scenarios.h"
#include "perf/client/socket.h"

namespace ringpost::perf {
namespace {

void ask_once(int socket) {
  send_all(socket, "GET\n");
  if (receive_line(socket) != "\n") die("an empty book showed something");
}

// Ends the connection by a reset: thousands of ports in TIME_WAIT would starve the next run.
void reset_at_close(int socket) {
  const linger now{1, 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

}  // namespace

std::string run_idle(const Options& options) {
  // The first connection pays for what the server sets up once.
  ask_once(connect_loopback(options.port));
  const std::int64_t before_kib = read_rss_kib(options.server_pid);
  std::vector<int> sockets;
  for (int i = 0; i < options.connections; ++i) {
    sockets.push_back(connect_loopback(options.port));
    reset_at_close(sockets.back());
    ask_once(sockets.back());
  }
  const std::int64_t after_kib = read_rss_kib(options.server_pid);
  if (before_kib < 0 || after_kib < 0) die("idle needs --server-pid");

  Poller watch(sockets, false);
  Meter meter(options);
  while (meter.running(0, false)) {
    if (!watch.wait().empty()) die("an idle connection received something");
  }
  for (const int socket : sockets) ask_once(socket);
  return meter.json() + field("connections", std::uint64_t{sockets.size()}) +
         field("rss_before_kib", static_cast<std::uint64_t>(before_kib)) +
         field("rss_after_kib", static_cast<std::uint64_t>(after_kib)) +
         field("bytes_per_connection", static_cast<double>(after_kib - before_kib) * 1024 /
                                           static_cast<double>(sockets.size()));
}

}  // namespace ringpost::perf
