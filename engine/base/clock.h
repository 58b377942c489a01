#pragma once

// Time is passed in: a shard reads its Clock once per batch of completions and hands the value
// down. Nothing else in the engine asks for the time, so the simulator's clock is the only one
// there is in a simulated run.

#include <cstdint>
#include <ctime>

namespace ringpost::engine {

// Nanoseconds on a clock that never steps. Zero is the clock's own start.
using Nanos = std::int64_t;

inline constexpr Nanos nanos_per_us = 1'000;
inline constexpr Nanos nanos_per_ms = 1'000'000;
inline constexpr Nanos nanos_per_s = 1'000'000'000;
inline constexpr Nanos never = INT64_MAX;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Nanos now() const = 0;  // Called on: any thread.
};

class MonotonicClock final : public Clock {
 public:
  Nanos now() const override {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * nanos_per_s + t.tv_nsec;
  }
};

}  // namespace ringpost::engine
