// One connection, one request in flight, every round trip timed. ringpost-load does the same work;
// here it is done with two bare system calls, because on a round trip of 9 us the 1.3 us that
// io_uring and a turn of the engine take at its end would count as the server's.

#include <utility>

#include "perf/client/latencies.h"
#include "perf/client/messages.h"
#include "perf/client/meter.h"
#include "perf/client/repeated_stream.h"
#include "perf/client/scenarios.h"
#include "perf/client/socket.h"

namespace ringpost::perf {
namespace {

constexpr std::size_t buffer_bytes = 4096;
constexpr std::size_t echo_messages = 256;

// A book that holds one ticker: perf/harness/book.py fills it.
constexpr std::string_view get_request = "GET\n";
constexpr std::string_view get_reply = "BYND:8;\n";

std::string run(const Options& options, Period request, Period reply) {
  const RepeatedStream requests(std::move(request), buffer_bytes);
  const RepeatedStream replies(std::move(reply), buffer_bytes);
  StreamChecker checker(replies, 1);
  const int socket = connect_loopback(options.port);
  Latencies latencies(options);
  char buffer[buffer_bytes];
  std::uint64_t count = 0;
  std::uint64_t position = requests.start(0);
  Meter meter(options);
  while (meter.running(count, true)) {
    const std::int64_t start = now_ns();
    send_all(socket, requests.slice(position, requests.message_bytes()));
    std::size_t completed = 0;
    while (completed == 0) completed = checker.check(0, {buffer, receive_some(socket, buffer)});
    if (completed != 1) die("more replies than requests");
    if (meter.measuring()) latencies.add(now_ns() - start);
    position += requests.message_bytes();
    ++count;
  }
  return meter.json() + latencies.json();
}

}  // namespace

std::string run_get_round_trips(const Options& options) {
  return run(options, {std::string(get_request), get_request.size()},
             {std::string(get_reply), get_reply.size()});
}

std::string run_echo_round_trips(const Options& options) {
  const Period messages = make_messages(echo_messages, static_cast<std::size_t>(options.bytes));
  return run(options, messages, messages);
}

}  // namespace ringpost::perf
