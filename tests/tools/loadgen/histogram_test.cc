#include "tools/loadgen/histogram.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/base/prng.h"

namespace ringpost::loadgen {
namespace {

Histogram of(const std::vector<Nanos>& values) {
  Histogram histogram;
  for (const Nanos value : values) histogram.record(value);
  return histogram;
}

// Latencies as they come: every power of two of the range, and a few beyond its ends.
rc::Gen<std::vector<Nanos>> latencies() {
  const auto scale = rc::gen::inRange(5, 43);
  const auto one = rc::gen::mapcat(scale, [](int bits) {
    return rc::gen::inRange<Nanos>(Nanos{1} << bits, Nanos{1} << (bits + 1));
  });
  return rc::gen::container<std::vector<Nanos>>(one);
}

// The definition, from sorted samples.
Nanos exact(const std::vector<Nanos>& sorted, double percentile) {
  const double rank = std::ceil(percentile / 100 * double(sorted.size()) - 1e-9);
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

bool close_above(Nanos shown, Nanos real) {
  return shown >= real && double(shown) <= double(real) * 1.001;
}

constexpr double percentiles[] = {0, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100};

TEST(Histogram, EveryValueLiesInItsBucket) {
  using Scale = HistogramScale;
  for (std::size_t i = 0; i <= Scale::index_of(Scale::highest); ++i) {
    ASSERT_EQ(Scale::index_of(Scale::low_of(i)), i);
    ASSERT_EQ(Scale::index_of(Scale::high_of(i)), i);
    ASSERT_LE(double(Scale::high_of(i) - Scale::low_of(i)), double(Scale::low_of(i)) * 0.001);
  }
}

TEST(Histogram, EmptySaysNothing) {
  const Histogram histogram;
  EXPECT_TRUE(histogram.empty());
  EXPECT_EQ(histogram.value_at(50), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0);
}

TEST(Histogram, ARankIsNotRoundedUpByTheDoubleNextToIt) {
  Histogram histogram;
  for (Nanos value = 1; value <= 1000; ++value) histogram.record(value * 1000);
  EXPECT_EQ(histogram.rank_of(99.9), 999u);
  EXPECT_EQ(histogram.rank_of(50), 500u);
  EXPECT_EQ(histogram.rank_of(0), 1u);
  EXPECT_EQ(histogram.rank_of(100), 1000u);
}

TEST(Histogram, ValuesBeyondTheEndsAreCountedApart) {
  const Histogram histogram =
      of({-5, 99, Histogram::lowest, Histogram::highest, Histogram::highest + 1});
  EXPECT_EQ(histogram.below(), 2u);
  EXPECT_EQ(histogram.above(), 1u);
  EXPECT_EQ(histogram.count(), 5u);
  EXPECT_EQ(histogram.min(), -5);
  EXPECT_EQ(histogram.value_at(0), Histogram::lowest);
  EXPECT_EQ(histogram.value_at(100), Histogram::highest + 1);
  int buckets = 0;
  histogram.for_each([&](const Histogram::Bucket& bucket) { buckets += int(bucket.count); });
  EXPECT_EQ(buckets, 2);
}

TEST(Histogram, RecordingManyAtOnceIsRecordingThemSingly) {
  Histogram at_once, singly;
  at_once.record(12'345, 3);
  for (int i = 0; i < 3; ++i) singly.record(12'345);
  EXPECT_EQ(at_once, singly);
}

TEST(Histogram, MeanAndDeviationAreThoseOfTheValues) {
  const Histogram histogram = of({1'000'000, 2'000'000, 3'000'000});
  EXPECT_NEAR(histogram.mean(), 2e6, 1e3);
  EXPECT_NEAR(histogram.standard_deviation(), std::sqrt(2.0 / 3) * 1e6, 1e3);
}

TEST(Histogram, ClearMakesItEmptyAgain) {
  Histogram histogram = of({50, 5'000, Histogram::highest * 2});
  histogram.clear();
  EXPECT_EQ(histogram, Histogram());
}

RC_GTEST_PROP(Histogram, PercentilesAreThoseOfTheSortedSamples, ()) {
  std::vector<Nanos> values = *rc::gen::nonEmpty(latencies());
  const Histogram histogram = of(values);
  std::sort(values.begin(), values.end());
  for (const double percentile : percentiles) {
    const Nanos real = exact(values, percentile);
    if (real > Histogram::highest) continue;  // shown as the maximum, see above
    RC_ASSERT(close_above(histogram.value_at(percentile), std::max(real, Histogram::lowest)));
  }
}

TEST(Histogram, PercentilesOfAMillionLatenciesAreThoseOfTheSortedSamples) {
  engine::Prng random(4);
  std::vector<Nanos> values;
  for (int i = 0; i < 1'000'000; ++i) {
    const double uniform = double(random.below(1u << 30) + 1) / double(1u << 30);
    values.push_back(200 + Nanos(20'000 * std::pow(uniform, -1.2)));  // a heavy tail
  }
  const Histogram histogram = of(values);
  std::sort(values.begin(), values.end());
  for (const double percentile : percentiles) {
    EXPECT_TRUE(close_above(histogram.value_at(percentile), exact(values, percentile)));
  }
}

RC_GTEST_PROP(Histogram, MergingIsAssociativeAndCommutativeBitForBit, ()) {
  const auto x = *latencies(), y = *latencies(), z = *latencies();
  Histogram left = of(x);
  left.merge(of(y));
  left.merge(of(z));
  Histogram tail = of(z);
  tail.merge(of(y));
  tail.merge(of(x));
  RC_ASSERT(left == tail);
  Histogram grouped = of(y);
  grouped.merge(of(z));
  Histogram right = of(x);
  right.merge(grouped);
  RC_ASSERT(left == right);
  std::vector<Nanos> all = x;
  all.insert(all.end(), y.begin(), y.end());
  all.insert(all.end(), z.begin(), z.end());
  RC_ASSERT(left == of(all));
}

RC_GTEST_PROP(Histogram, WhatWasStoredIsRestored, ()) {
  const Histogram histogram = of(*latencies());
  const auto restored = Histogram::restore(histogram.store());
  RC_ASSERT(restored.has_value());
  RC_ASSERT(*restored == histogram);
}

TEST(Histogram, WhatNoneStoredIsNotRestored) {
  const auto refuses = [](Histogram::Stored stored) { return !Histogram::restore(stored); };
  EXPECT_TRUE(refuses({{{2'049, 1}}, 0, 0, 2'049, 2'049})) << "in the middle of a bucket";
  EXPECT_TRUE(refuses({{{500, 1}, {400, 1}}, 0, 0, 400, 500})) << "not ascending";
  EXPECT_TRUE(refuses({{{500, 0}}, 0, 0, 500, 500})) << "counts nothing";
  EXPECT_TRUE(refuses({{{INT64_MAX, 1}}, 0, 0, 0, INT64_MAX})) << "above the highest";
  EXPECT_TRUE(refuses({{{500, UINT64_MAX}}, 1, 0, 50, 500})) << "more than can be counted";
  EXPECT_TRUE(refuses({{{500, 1}}, 0, 0, 500, 400})) << "minimum above maximum";
}

}  // namespace
}  // namespace ringpost::loadgen
