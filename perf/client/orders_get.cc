// `GET` against a book that holds one ticker, so that every reply is the same known line. With one
// connection and one request in flight it reports the latency of each; else the rate.

#include <algorithm>
#include <cstring>
#include <vector>

#include "perf/client/meter.h"
#include "perf/client/pipeline.h"
#include "perf/client/scenarios.h"
#include "perf/client/socket.h"

namespace ringpost::perf {
namespace {

constexpr std::string_view request = "GET\n";
constexpr std::string_view purchase = "BUY;8.0;BYND\n";
constexpr std::string_view reply = "BYND:8;\n";

// The reply stream is the reply for ever, so a read is compared with a slice of it.
class RepeatedReply {
 public:
  explicit RepeatedReply(std::size_t connections) : offset_(connections) {
    while (stream_.size() < 64 * 1024 + reply.size()) stream_ += reply;
  }

  std::size_t check(std::size_t connection, std::span<const char> bytes) {
    const std::size_t from = offset_[connection];
    if (std::memcmp(bytes.data(), stream_.data() + from, bytes.size()) != 0) {
      die("a reply differs: " + std::string(bytes.data(), std::min<std::size_t>(bytes.size(), 80)));
    }
    offset_[connection] = (from + bytes.size()) % reply.size();
    return (from + bytes.size()) / reply.size();
  }

 private:
  std::string stream_;
  std::vector<std::size_t> offset_;  // Bytes of the reply that is half received.
};

// A server answers a BUY with silence, so the book is ready when a GET shows it.
void fill_book(std::uint16_t port) {
  const int socket = connect_loopback(port);
  send_all(socket, purchase);
  send_all(socket, request);
  std::string line = receive_line(socket);
  for (int tries = 0; line == "\n" && tries < 100; ++tries) {
    send_all(socket, request);
    line = receive_line(socket);
  }
  if (line != reply) die("the book shows '" + line + "'");
}

std::string percentiles(std::vector<std::int64_t>& samples) {
  if (samples.empty()) die("no samples");
  const auto at = [&](double share) {
    const auto rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(samples.size() - 1));
    std::nth_element(samples.begin(), samples.begin() + rank, samples.end());
    return static_cast<double>(samples[static_cast<std::size_t>(rank)]);
  };
  return field("p50_ns", at(0.5)) + field("p99_ns", at(0.99)) + field("p999_ns", at(0.999));
}

std::string run_round_trips(const Options& options) {
  const int socket = connect_loopback(options.port);
  std::vector<std::int64_t> samples;
  samples.reserve(static_cast<std::size_t>(options.seconds * 1e6));
  RepeatedReply checker(1);
  char buffer[256];
  std::uint64_t count = 0;
  Meter meter(options);
  while (meter.running(count, true)) {
    const std::int64_t start = now_ns();
    send_all(socket, request);
    std::size_t completed = 0;
    while (completed == 0) {
      const std::size_t got =
          options.spin ? receive_some(socket, buffer) : receive_blocking(socket, buffer);
      completed = checker.check(0, {buffer, got});
    }
    if (meter.measuring()) samples.push_back(now_ns() - start);
    ++count;
  }
  return meter.json() + percentiles(samples);
}

}  // namespace

std::string run_orders_get(const Options& options) {
  fill_book(options.port);
  if (options.connections == 1 && options.depth == 1) return run_round_trips(options);
  RepeatedReply checker(static_cast<std::size_t>(options.connections));
  Pipeline pipeline(options, request, checker);
  Meter meter(options);
  pipeline.run(meter);
  return meter.json();
}

}  // namespace ringpost::perf
