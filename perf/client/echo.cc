// Servers that give back what they get: raw bytes, or frames with four bytes of length in front. A
// message is what goes there and back. Small ones run in the closed loop of the other scenarios;
// those that no socket buffer holds are sent and received at once.

#include <algorithm>

#include "perf/client/closed_loop.h"
#include "perf/client/flows.h"
#include "perf/client/messages.h"
#include "perf/client/meter.h"
#include "perf/client/scenarios.h"
#include "perf/client/socket.h"

namespace ringpost::perf {
namespace {

// More than are ever in flight on a connection of the table's rows, so that all of these differ.
constexpr std::size_t small_count = 256;
// What a socket takes at once, whatever the server does.
constexpr std::size_t small_in_flight_bytes_max = 64 * 1024;

std::string run_large(const Options& options, Period message) {
  const std::size_t write_bytes = message.message_bytes;
  const RepeatedStream stream(std::move(message), std::max(write_bytes, Flows::read_bytes_max));
  std::vector<FlowEnds> ends;
  for (int i = 0; i < options.connections; ++i) {
    const int socket = connect_loopback(options.port);
    ends.push_back({socket, socket});
  }
  Flows flows(options, stream, write_bytes, static_cast<std::uint64_t>(options.depth), ends);
  Meter meter(options);
  flows.run(meter);
  return meter.json();
}

std::string run(const Options& options, Period (*make)(std::size_t count, std::size_t bytes)) {
  const auto bytes = static_cast<std::size_t>(options.bytes);
  if (bytes * static_cast<std::size_t>(options.depth) > small_in_flight_bytes_max) {
    return run_large(options, make(1, bytes));
  }
  const Period messages = make(small_count, bytes);
  return run_closed_loop(options, messages, messages);
}

}  // namespace

std::string run_raw_echo(const Options& options) { return run(options, make_messages); }
std::string run_framed_echo(const Options& options) { return run(options, make_frames); }

}  // namespace ringpost::perf
