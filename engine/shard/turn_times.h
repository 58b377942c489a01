#pragma once

// TurnTimes: how long a shard's turns took, as a histogram by powers of two, and the longest. Only
// turns that did work count; waiting does not.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "engine/base/clock.h"

namespace ringpost::engine {

struct TurnTimes {
  // Bucket i holds turns below 2^i microseconds that are not in a lower one; the last holds the
  // rest.
  static constexpr std::size_t bucket_count = 21;

  std::array<std::uint64_t, bucket_count> turns = {};
  Nanos longest = 0;

  void record(Nanos duration) {
    const auto us = static_cast<std::uint64_t>(std::max<Nanos>(duration, 0) / nanos_per_us);
    ++turns[std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(us)), bucket_count - 1)];
    longest = std::max(longest, duration);
  }
};

}  // namespace ringpost::engine
