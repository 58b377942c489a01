#include "tools/loadgen/pace.h"

#include <gtest/gtest.h>

namespace ringpost::loadgen {
namespace {

TEST(Pace, RequestsAreDueEvenlyAndNoneIsLostToRounding) {
  for (const double per_s : {1.0, 3.0, 10'000.0, 7'654'321.0}) {
    const Pace pace(1000, per_s);
    EXPECT_EQ(pace.due(0), 1000);
    EXPECT_EQ(pace.due_by(999), 0u);
    EXPECT_EQ(pace.due_by(1000), 1u);
    const Nanos in_ten_seconds = 1000 + 10 * engine::nanos_per_s;
    EXPECT_NEAR(static_cast<double>(pace.due_by(in_ten_seconds)), 10 * per_s + 1, 1);
    for (const std::uint64_t index : {1u, 1000u, 999'999u}) {
      EXPECT_NEAR(static_cast<double>(pace.due(index) - 1000),
                  static_cast<double>(index) / per_s * 1e9, 1);
      EXPECT_GE(pace.due_by(pace.due(index) + 1), index + 1);
      EXPECT_LE(pace.due_by(pace.due(index) - 1), index);
    }
  }
}

}  // namespace
}  // namespace ringpost::loadgen
