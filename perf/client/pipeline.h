#pragma once

// A closed loop over many connections: every one keeps `depth` requests in flight, and every byte
// that comes back goes through a checker. One write carries all the requests that a read's replies
// made room for. At depth 1 the time of each request is kept.
//
// Checker: `std::size_t check(std::size_t connection, std::span<const char> bytes)` returns how
// many replies these bytes completed, and ends the program if one is wrong.

#include <string>
#include <vector>

#include "perf/client/latencies.h"
#include "perf/client/meter.h"
#include "perf/client/options.h"
#include "perf/client/repeated_stream.h"
#include "perf/client/socket.h"

namespace ringpost::perf {

// What a checker sees at once.
constexpr std::size_t pipeline_read_bytes_max = 64 * 1024;

template <typename Checker>
class Pipeline {
 public:
  // `requests` has slices for `depth` of them. Both outlive the pipeline.
  Pipeline(const Options& options, const RepeatedStream& requests, Checker& checker)
      : options_(options),
        requests_(requests),
        checker_(checker),
        latencies_(options),
        buffer_(pipeline_read_bytes_max) {
    for (int i = 0; i < options.connections; ++i) {
      connections_.push_back({requests.start(static_cast<std::size_t>(i)), 0, 0});
      sockets_.push_back(connect_loopback(options.port));
    }
  }

  // Returns the number of replies of the whole run, warm-up and tail included. After it nothing is
  // in flight: a reply that never came would have hung the tail, which is bounded by ten seconds.
  std::uint64_t run(Meter& meter) {
    Poller poller(sockets_, options_.spin);
    for (std::size_t i = 0; i < sockets_.size(); ++i) refill(i);
    bool worked = true;
    while (meter.running(replies_, worked)) {
      sampling_ = options_.depth == 1 && meter.measuring();
      worked = turn(poller);
    }
    refilling_ = sampling_ = false;
    const std::int64_t deadline = now_ns() + 10'000'000'000;
    while (replies_ < sent_) {
      turn(poller);
      if (now_ns() > deadline) die("replies are missing at the end");
    }
    return replies_;
  }

  // The times of the requests that were answered in the measured window, at depth 1; else empty.
  std::string latencies_json() { return options_.depth == 1 ? latencies_.json() : ""; }

 private:
  struct Connection {
    std::uint64_t position;  // In the stream of requests.
    std::size_t in_flight;
    std::int64_t sent_at;  // The last request, at depth 1.
  };

  bool turn(Poller& poller) {
    const auto events = poller.wait();
    for (const epoll_event& event : events) {
      const std::size_t index = event.data.u32;
      const std::size_t got = receive_some(sockets_[index], buffer_);
      const std::size_t completed = checker_.check(index, {buffer_.data(), got});
      Connection& connection = connections_[index];
      if (completed > connection.in_flight) die("more replies than requests");
      connection.in_flight -= completed;
      replies_ += completed;
      if (sampling_ && completed != 0) latencies_.add(now_ns() - connection.sent_at);
      if (refilling_) refill(index);
    }
    return !events.empty();
  }

  void refill(std::size_t index) {
    Connection& connection = connections_[index];
    const std::size_t room = static_cast<std::size_t>(options_.depth) - connection.in_flight;
    if (room == 0 || (options_.refill_whole && connection.in_flight != 0)) return;
    const std::size_t bytes = room * requests_.message_bytes();
    if (options_.depth == 1) connection.sent_at = now_ns();
    send_all(sockets_[index], requests_.slice(connection.position, bytes));
    connection.position += bytes;
    connection.in_flight += room;
    sent_ += room;
  }

  const Options& options_;
  const RepeatedStream& requests_;
  Checker& checker_;
  Latencies latencies_;
  std::vector<int> sockets_;
  std::vector<Connection> connections_;
  std::vector<char> buffer_;
  std::uint64_t sent_ = 0;
  std::uint64_t replies_ = 0;
  bool refilling_ = true;
  bool sampling_ = false;
};

}  // namespace ringpost::perf
