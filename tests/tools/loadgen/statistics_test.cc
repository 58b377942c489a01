#include "tools/loadgen/compare/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "tests/tools/loadgen/normal.h"

namespace ringpost::loadgen {
namespace {

using Values = std::vector<double>;

TEST(TypicalRatio, IsThatOfEveryPairWhereAllAgree) {
  EXPECT_NEAR(typical_ratio(Values{1, 2, 4}, Values{3, 6, 12}), 3, 1e-12);
  EXPECT_DOUBLE_EQ(typical_ratio(Values{5}, Values{4}), 0.8);
}

TEST(TypicalRatio, AnOutlierHardlyMovesIt) {
  const Values a = {100, 101, 99, 100, 102}, b = {100, 101, 99, 100, 5};
  EXPECT_NEAR(typical_ratio(a, b), 1, 0.02);
}

TEST(Bootstrap, TheSameSeedGivesTheSameInterval) {
  const Values a = {10, 11, 12, 13}, b = {10, 12, 14, 15};
  const Interval once = bootstrap_ratio(a, b, 0.95, 7, 1'000),
                 again = bootstrap_ratio(a, b, 0.95, 7, 1'000);
  EXPECT_EQ(once.low, again.low);
  EXPECT_EQ(once.high, again.high);
  EXPECT_LT(once.low, typical_ratio(a, b));
  EXPECT_GT(once.high, typical_ratio(a, b));
}

TEST(Bootstrap, HoldsTheTrueRatioAboutAsOftenAsItSays) {
  engine::Prng random(11);
  int held = 0;
  for (int i = 0; i < 400; ++i) {
    const Values a = normal_values(random, 20, 100, 0.05), b = normal_values(random, 20, 90, 0.05);
    const Interval interval = bootstrap_ratio(a, b, 0.95, std::uint64_t(i), 300);
    held += interval.low <= 0.9 && 0.9 <= interval.high;
  }
  EXPECT_GE(held, 400 * 90 / 100);
  EXPECT_LE(held, 400 * 99 / 100);
}

// Every way to deal the values, counted one by one.
struct Dealt {
  double p_greater, p_less;
};
Dealt deal_all(const Values& a, const Values& b) {
  const auto u_of = [](const Values& x, const Values& y) {
    double u = 0;
    for (const double left : x) {
      for (const double right : y) u += right > left ? 1 : right == left ? 0.5 : 0;
    }
    return u;
  };
  Values all = a;
  all.insert(all.end(), b.begin(), b.end());
  const double seen = u_of(a, b);
  double ways = 0, greater = 0, less = 0;
  for (unsigned mask = 0; mask < 1u << all.size(); ++mask) {
    if (std::size_t(__builtin_popcount(mask)) != b.size()) continue;
    Values x, y;
    for (std::size_t i = 0; i < all.size(); ++i) (mask >> i & 1 ? y : x).push_back(all[i]);
    const double u = u_of(x, y);
    ways += 1;
    greater += u >= seen;
    less += u <= seen;
  }
  return {greater / ways, less / ways};
}

TEST(MannWhitney, IsExactForSmallGroupsTiesIncluded) {
  const std::pair<Values, Values> cases[] = {
      {{1, 2, 3}, {4, 5, 6}}, {{1, 3, 5, 7}, {2, 4, 6}},       {{1, 1, 2, 2}, {1, 2, 2, 3, 3}},
      {{5, 5, 5}, {5, 5, 5}}, {{9, 8, 7, 1}, {2, 2, 9, 3, 4}}, {{1}, {2}}};
  for (const auto& [a, b] : cases) {
    const MannWhitney test = mann_whitney(a, b);
    const Dealt dealt = deal_all(a, b);
    EXPECT_NEAR(test.p_greater, dealt.p_greater, 1e-12);
    EXPECT_NEAR(test.p_less, dealt.p_less, 1e-12);
  }
}

TEST(MannWhitney, KnowsTheLeastThatGroupsCanShow) {
  const MannWhitney test = mann_whitney(Values{1, 2, 3, 4, 5}, Values{6, 7, 8, 9, 10});
  EXPECT_EQ(test.u, 25);
  EXPECT_DOUBLE_EQ(test.p_greater, 1.0 / 252);
  EXPECT_DOUBLE_EQ(test.p_least, 1.0 / 252);
  EXPECT_DOUBLE_EQ(test.p_less, 1);
}

TEST(MannWhitney, TheNormalDistributionComesCloseToTheExactOne) {
  engine::Prng random(3);
  for (int i = 0; i < 50; ++i) {
    Values a = normal_values(random, 18, 100, 0.05), b = normal_values(random, 20, 102, 0.05);
    // Ties too.
    for (Values* values : {&a, &b}) {
      for (double& value : *values) value = std::round(value);
    }
    const MannWhitney exact = mann_whitney(a, b), normal = mann_whitney_normal(a, b);
    EXPECT_EQ(exact.u, normal.u);
    EXPECT_NEAR(exact.p_greater, normal.p_greater, 0.01);
    EXPECT_NEAR(exact.p_less, normal.p_less, 0.01);
  }
}

TEST(MannWhitney, OfEqualValuesNothingFollows) {
  const Values same(30, 5.0);
  const MannWhitney test = mann_whitney(same, same);
  EXPECT_EQ(test.p_greater, 1);
  EXPECT_EQ(test.p_less, 1);
}

TEST(Spread, IsTheStandardDeviationByTheMean) {
  EXPECT_NEAR(relative_spread(Values{98, 100, 102}), 0.02, 1e-12);
  EXPECT_EQ(relative_spread(Values{5}), 0);
}

}  // namespace
}  // namespace ringpost::loadgen
