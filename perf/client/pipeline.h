#pragma once

// The closed loop that both order scenarios run: every connection keeps `depth` requests in flight,
// and every byte that comes back goes through a checker. One write carries all the requests that a
// read's replies made room for.
//
// Checker: `std::size_t check(std::size_t connection, std::span<const char> bytes)` returns how
// many replies these bytes completed, and ends the program if one is wrong.

#include <string>
#include <string_view>
#include <vector>

#include "perf/client/meter.h"
#include "perf/client/options.h"
#include "perf/client/socket.h"

namespace ringpost::perf {

template <typename Checker>
class Pipeline {
 public:
  Pipeline(const Options& options, std::string_view request, Checker& checker)
      : options_(options), request_bytes_(request.size()), checker_(checker), buffer_(64 * 1024) {
    for (int i = 0; i < options.depth; ++i) requests_ += request;
    for (int i = 0; i < options.connections; ++i)
      sockets_.push_back(connect_loopback(options.port));
    in_flight_.resize(sockets_.size());
  }

  // Returns the number of replies of the whole run, warm-up and tail included. After it nothing is
  // in flight: a reply that never came would have hung the tail, which is bounded by ten seconds.
  std::uint64_t run(Meter& meter) {
    Poller poller(sockets_, options_.spin);
    for (std::size_t i = 0; i < sockets_.size(); ++i) refill(i);
    bool worked = true;
    while (meter.running(replies_, worked)) worked = turn(poller);
    refilling_ = false;
    const std::int64_t deadline = now_ns() + 10'000'000'000;
    while (replies_ < sent_) {
      turn(poller);
      if (now_ns() > deadline) die("replies are missing at the end");
    }
    return replies_;
  }

 private:
  bool turn(Poller& poller) {
    const auto events = poller.wait();
    for (const epoll_event& event : events) {
      const std::size_t index = event.data.u32;
      const std::size_t got = receive_some(sockets_[index], buffer_);
      const std::size_t completed = checker_.check(index, {buffer_.data(), got});
      if (completed > in_flight_[index]) die("more replies than requests");
      in_flight_[index] -= completed;
      replies_ += completed;
      if (refilling_) refill(index);
    }
    return !events.empty();
  }

  void refill(std::size_t index) {
    const std::size_t room = static_cast<std::size_t>(options_.depth) - in_flight_[index];
    if (room == 0 || (options_.refill_whole && in_flight_[index] != 0)) return;
    send_all(sockets_[index], std::string_view(requests_).substr(0, room * request_bytes_));
    in_flight_[index] += room;
    sent_ += room;
  }

  const Options& options_;
  const std::size_t request_bytes_;
  Checker& checker_;
  std::string requests_;  // The request, `depth` times: any refill is a prefix of it.
  std::vector<int> sockets_;
  std::vector<std::size_t> in_flight_;
  std::vector<char> buffer_;
  std::uint64_t sent_ = 0;
  std::uint64_t replies_ = 0;
  bool refilling_ = true;
};

}  // namespace ringpost::perf
