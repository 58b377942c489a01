#pragma once

// Backoff: how long to wait before the next attempt to connect: 100 ms after the first failure,
// doubling up to 30 s, each drawn from its upper half, so that many who lost the same server do not
// come back in step. Failures and connections that ended early count alike; one that lived 10 s
// starts over.
//
// Owned by: one Dial. Called on: its shard only.

#include <algorithm>

#include "engine/base/clock.h"
#include "engine/base/prng.h"

namespace ringpost::engine {

class Backoff {
 public:
  static constexpr Nanos first_delay = 100 * nanos_per_ms;
  static constexpr Nanos delay_max = 30 * nanos_per_s;
  static constexpr Nanos lived_enough = 10 * nanos_per_s;

  // The delay before the next attempt: uniform in [d/2, d], and d doubles.
  Nanos next(Prng& prng) {
    const Nanos half = delay_ / 2;
    const Nanos drawn = half + static_cast<Nanos>(prng.below(static_cast<std::uint64_t>(half) + 1));
    delay_ = std::min(delay_ * 2, delay_max);
    return drawn;
  }

  // A connection ended that lived that long.
  void on_ended(Nanos lived) {
    if (lived >= lived_enough) delay_ = first_delay;
  }

 private:
  Nanos delay_ = first_delay;
};

}  // namespace ringpost::engine
