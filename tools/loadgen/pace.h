#pragma once

// Pace: when the requests of an open loop are due, whatever the server does: evenly, one after the
// other. The shards' requests are interleaved, so that together they are even, too.

#include <algorithm>
#include <cstdint>

#include "engine/base/clock.h"

namespace ringpost::loadgen {

using engine::Nanos;

class Pace {
 public:
  Pace() = default;
  // Request 0 is due at `start`, one every 1/`per_s` seconds. Requires: per_s > 0.
  Pace(Nanos start, double per_s) : start_(start), nanos_each_(1e9 / per_s) {}

  Nanos due(std::uint64_t index) const {
    return start_ + static_cast<Nanos>(static_cast<double>(index) * nanos_each_);
  }
  // How many are due at `now`.
  std::uint64_t due_by(Nanos now) const {
    if (now < start_) return 0;
    return static_cast<std::uint64_t>(static_cast<double>(now - start_) / nanos_each_) + 1;
  }

 private:
  Nanos start_ = 0;
  double nanos_each_ = 1;
};

}  // namespace ringpost::loadgen
