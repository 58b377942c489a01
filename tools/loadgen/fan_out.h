#pragma once

// What fan-out needs beyond requests and replies: a message has one sender and many receivers, on
// any shard, and each delivery has a latency of its own.
//
//   Ledger    when each message was due; the sender's shard writes, every receiver's shard reads
//   Hearing   of one shard: which messages all receivers of this shard have, so that the sender,
//             told of it by every shard, knows what is no longer in flight

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/clock.h"

namespace ringpost::loadgen {

using engine::Nanos;

// A ring of times per sender. The kernel's socket orders a write in front of the reads: whoever
// reads the time of a message has received it. A place is written anew only when the message
// before is no longer in flight.
class Ledger {
 public:
  // `window`: messages of one sender in flight at most.
  Ledger(std::uint64_t senders, std::uint64_t window)
      : window_(std::bit_ceil(window)), due_(senders * window_) {}

  std::uint64_t window() const { return window_; }
  void note(std::uint64_t sender, std::uint64_t sequence, Nanos due) {
    place(sender, sequence).store(due, std::memory_order_relaxed);  // see above
  }
  Nanos due(std::uint64_t sender, std::uint64_t sequence) const {
    return place(sender, sequence).load(std::memory_order_relaxed);  // see above
  }

 private:
  const std::atomic<Nanos>& place(std::uint64_t sender, std::uint64_t sequence) const {
    return due_[sender * window_ + (sequence & (window_ - 1))];
  }
  std::atomic<Nanos>& place(std::uint64_t sender, std::uint64_t sequence) {
    return due_[sender * window_ + (sequence & (window_ - 1))];
  }

  std::uint64_t window_;
  std::vector<std::atomic<Nanos>> due_;
};

// Owned by: one shard.
class Hearing {
 public:
  // `receivers`: how many on this shard hear the sender, by sender.
  Hearing(std::vector<std::uint32_t> receivers, std::uint64_t window)
      : window_(std::bit_ceil(window)),
        receivers_(std::move(receivers)),
        heard_(receivers_.size() * window_),
        settled_(receivers_.size()) {}

  std::uint32_t receivers(std::uint64_t sender) const { return receivers_[sender]; }
  // How many messages of the sender every receiver here has.
  std::uint64_t settled(std::uint64_t sender) const { return settled_[sender]; }

  // One receiver more has the `count` messages from `sequence` on. True if more are settled.
  bool hear(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count) {
    std::uint32_t* const heard = &heard_[sender * window_];
    std::uint64_t& settled = settled_[sender];
    const std::uint64_t before = settled;
    for (; count != 0; --count, ++sequence) {
      DASSERT(sequence >= settled && sequence - settled < window_);
      ++heard[sequence & (window_ - 1)];
    }
    // Each receiver hears in order, so none is complete before the one in front of it.
    while (heard[settled & (window_ - 1)] == receivers_[sender]) {
      heard[settled & (window_ - 1)] = 0;
      ++settled;
    }
    return settled != before;
  }

 private:
  std::uint64_t window_;
  std::vector<std::uint32_t> receivers_;
  std::vector<std::uint32_t> heard_;  // rings, by sender: receivers that have it
  std::vector<std::uint64_t> settled_;
};

}  // namespace ringpost::loadgen
