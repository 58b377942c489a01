#include "engine/net/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ringpost::engine {
namespace {

// What the delays are drawn from, above: doubling from 100 ms to 30 s.
constexpr Nanos steps_ms[] = {100, 200, 400, 800, 1600, 3200, 6400, 12'800, 25'600, 30'000, 30'000};

TEST(Backoff, DoublesUpToItsMostAndDrawsFromTheUpperHalf) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Prng prng(seed);
    Backoff backoff;
    for (const Nanos step : steps_ms) {
      const Nanos drawn = backoff.next(prng);
      ASSERT_GE(drawn, step * nanos_per_ms / 2);
      ASSERT_LE(drawn, step * nanos_per_ms);
    }
  }
}

TEST(Backoff, SpreadsOverTheWholeHalf) {
  Prng prng(1);
  Nanos least = never, most = 0;
  for (int i = 0; i < 1000; ++i) {
    Backoff backoff;
    const Nanos drawn = backoff.next(prng);
    least = std::min(least, drawn);
    most = std::max(most, drawn);
  }
  EXPECT_LT(least, 51 * nanos_per_ms);
  EXPECT_GT(most, 99 * nanos_per_ms);
}

TEST(Backoff, StartsOverAfterAConnectionThatLivedLongEnough) {
  Prng prng(1);
  Backoff backoff;
  for (int i = 0; i < 5; ++i) backoff.next(prng);
  backoff.on_ended(10 * nanos_per_s - 1);
  EXPECT_GE(backoff.next(prng), 1600 * nanos_per_ms);
  backoff.on_ended(10 * nanos_per_s);
  EXPECT_LE(backoff.next(prng), 100 * nanos_per_ms);
}

}  // namespace
}  // namespace ringpost::engine
