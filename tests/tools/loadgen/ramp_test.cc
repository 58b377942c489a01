#include "tools/loadgen/ramp.h"

#include <gtest/gtest.h>

namespace ringpost::loadgen {
namespace {

// What it finds where every rate up to `limit` holds, and how many tries it takes.
std::pair<std::optional<double>, int> found(double first, double limit) {
  Ramp ramp(first);
  int tries = 0;
  while (const auto rate = ramp.next()) {
    ramp.tried(*rate <= limit);
    ++tries;
  }
  return {ramp.highest_held(), tries};
}

TEST(Ramp, FindsTheLimitFromBelowAndFromAbove) {
  for (const double limit : {7.0, 1234.0, 5e6}) {
    for (const double first : {1000.0, 100.0}) {
      const auto [rate, tries] = found(first, limit);
      ASSERT_TRUE(rate);
      EXPECT_LE(*rate, limit);
      EXPECT_GE(*rate, limit * 0.95);
      EXPECT_LE(tries, 40);
    }
  }
}

TEST(Ramp, GivesUpWhereNothingHoldsAndWhereEverythingDoes) {
  EXPECT_FALSE(found(1000, 0).first);
  EXPECT_LE(found(1000, 1e18).second, 40);
}

}  // namespace
}  // namespace ringpost::loadgen
