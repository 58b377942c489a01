#include "perf/client/closed_loop.h"

#include <utility>

#include "perf/client/latencies.h"
#include "perf/client/meter.h"
#include "perf/client/pipeline.h"
#include "perf/client/socket.h"

namespace ringpost::perf {
namespace {

std::string run_round_trips(const Options& options, const RepeatedStream& requests,
                            StreamChecker& checker) {
  const int socket = connect_loopback(options.port);
  Latencies latencies(options);
  char buffer[4096];
  std::uint64_t count = 0;
  std::uint64_t position = requests.start(0);
  Meter meter(options);
  while (meter.running(count, true)) {
    const std::int64_t start = now_ns();
    send_all(socket, requests.slice(position, requests.message_bytes()));
    std::size_t completed = 0;
    while (completed == 0) {
      const std::size_t got =
          options.spin ? receive_some(socket, buffer) : receive_blocking(socket, buffer);
      completed = checker.check(0, {buffer, got});
    }
    if (meter.measuring()) latencies.add(now_ns() - start);
    position += requests.message_bytes();
    ++count;
  }
  return meter.json() + latencies.json();
}

}  // namespace

std::string run_closed_loop(const Options& options, Period requests, Period replies) {
  const std::size_t request_bytes_max =
      static_cast<std::size_t>(options.depth) * requests.message_bytes;
  const RepeatedStream request_stream(std::move(requests), request_bytes_max);
  const RepeatedStream reply_stream(std::move(replies), pipeline_read_bytes_max);
  StreamChecker checker(reply_stream, static_cast<std::size_t>(options.connections));
  if (options.connections == 1 && options.depth == 1) {
    return run_round_trips(options, request_stream, checker);
  }
  Pipeline pipeline(options, request_stream, checker);
  Meter meter(options);
  pipeline.run(meter);
  return meter.json() + pipeline.latencies_json();
}

}  // namespace ringpost::perf
