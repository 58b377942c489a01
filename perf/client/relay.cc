// A relay between this program as its client and this program as its upstream: the relay has a core
// for itself, and both ends of it share the other one. The upstream's listening socket was opened
// before the relay was started.
//   relay-stream   one direction, as much as goes through; a message is a write of 64 KiB
//   relay-latency  there and back, one message in flight, in turns with the same between the same
//                  ends without the relay: the difference of the medians is what the relay adds

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "perf/client/flows.h"
#include "perf/client/latencies.h"
#include "perf/client/messages.h"
#include "perf/client/meter.h"
#include "perf/client/scenarios.h"
#include "perf/client/socket.h"

namespace ringpost::perf {
namespace {

constexpr std::size_t write_bytes = 64 * 1024;
// An odd number of bytes over and over, so that nothing that is lost or doubled fits in again.
constexpr std::size_t pattern_bytes = 65'521;
constexpr std::size_t latency_messages = 256;
// Round trips through the relay, then as many without: the medians see the same machine, and one
// in so many meets a relay that went to sleep meanwhile.
constexpr int turn_round_trips = 64;

struct Ends {
  int client;
  int upstream;
};

// A connection to `port`, and what it became at the upstream. That is known by what it says first,
// for others come and go there: somebody looked whether the relay is up.
Ends connect_ends(const Options& options, std::uint16_t port) {
  constexpr std::string_view hello = "upstream";
  const int client = connect_loopback(port);
  send_all(client, hello);
  while (true) {
    const int upstream = accept4(options.upstream, nullptr, nullptr, SOCK_CLOEXEC);
    if (upstream < 0) die(std::string("accept: ") + std::strerror(errno));
    char said[hello.size()];
    const ssize_t got = recv(upstream, said, sizeof(said), MSG_WAITALL);
    if (got == static_cast<ssize_t>(hello.size()) &&
        std::string_view(said, sizeof(said)) == hello) {
      set_no_delay(upstream);
      return {client, upstream};
    }
    close(upstream);
  }
}

std::uint16_t port_of(int listener) {
  sockaddr_in at{};
  socklen_t size = sizeof(at);
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    die("--upstream is not a listening socket");
  }
  return ntohs(at.sin_port);
}

// One way of the round trips and what was measured on it.
class Path {
 public:
  Path(const Options& options, std::uint16_t port, const RepeatedStream& stream)
      : options_(options),
        ends_(connect_ends(options, port)),
        stream_(stream),
        checker_(stream, 2),
        latencies_(options) {}

  void round_trip(bool measuring) {
    const std::int64_t start = now_ns();
    pass(0, ends_.client, ends_.upstream);
    pass(1, ends_.upstream, ends_.client);
    if (measuring) latencies_.add(now_ns() - start);
  }

  Latencies& latencies() { return latencies_; }

 private:
  // The directions start at different places of the stream.
  void pass(std::size_t direction, int from, int to) {
    const std::uint64_t position = stream_.start(direction) + passed_[direction];
    send_all(from, stream_.slice(position, stream_.message_bytes()));
    char buffer[4096];
    std::size_t completed = 0;
    while (completed == 0) {
      completed = checker_.check(direction, {buffer, receive_some(to, buffer)});
    }
    passed_[direction] += stream_.message_bytes();
  }

  const Options& options_;
  const Ends ends_;
  const RepeatedStream& stream_;
  StreamChecker checker_;
  Latencies latencies_;
  std::uint64_t passed_[2] = {};
};

}  // namespace

std::string run_relay_stream(const Options& options) {
  Period pattern = make_messages(1, pattern_bytes);
  pattern.message_bytes = write_bytes;
  const RepeatedStream stream(std::move(pattern), Flows::read_bytes_max);
  std::vector<FlowEnds> flow_ends;
  for (int i = 0; i < options.connections; ++i) {
    const Ends ends = connect_ends(options, options.port);
    flow_ends.push_back({ends.client, ends.upstream});
  }
  Flows flows(stream, flow_ends);
  Meter meter(options);
  flows.run(meter);
  return meter.json();
}

std::string run_relay_latency(const Options& options) {
  const auto bytes = static_cast<std::size_t>(options.bytes);
  const RepeatedStream stream(make_messages(latency_messages, bytes), 4096);
  Path direct(options, port_of(options.upstream), stream);
  Path relayed(options, options.port, stream);
  std::uint64_t count = 0;
  Meter meter(options);
  while (meter.running(count, true)) {
    for (int i = 0; i < turn_round_trips; ++i) direct.round_trip(meter.measuring());
    for (int i = 0; i < turn_round_trips; ++i) relayed.round_trip(meter.measuring());
    count += turn_round_trips;
  }
  const double direct_ns = direct.latencies().percentile(0.5);
  return meter.json() + relayed.latencies().json() + field("direct_p50_ns", direct_ns) +
         field("added_p50_ns", relayed.latencies().percentile(0.5) - direct_ns);
}

}  // namespace ringpost::perf
