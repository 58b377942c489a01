#pragma once

// SimClock: the only time there is in a simulated run. It moves when the world says so.

#include "engine/base/assert.h"
#include "engine/base/clock.h"

namespace ringpost::sim {

class SimClock final : public engine::Clock {
 public:
  engine::Nanos now() const override { return now_; }

  // Requires: time does not step back.
  void advance_to(engine::Nanos time) {
    ASSERT(time >= now_);
    now_ = time;
  }

 private:
  // Not zero, so that nobody mistakes an unset time for the present.
  engine::Nanos now_ = engine::nanos_per_s;
};

}  // namespace ringpost::sim
