#pragma once

// The percentiles of a distribution's plot, as HdrHistogram steps through them: so many for each
// halving of what is left to 100, so the tail is as fine as the middle.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "tools/loadgen/histogram.h"

namespace ringpost::loadgen {

struct PercentileStep {
  double share;         // 0..1: the percentile that was asked for
  Nanos value;          // what this share of the values does not exceed
  std::uint64_t count;  // how many values do not exceed it
};

inline constexpr int steps_per_half = 5;

// The share at step `n` from zero. Computed anew for each, so that no error adds up.
inline double share_at(int n) {
  const int halvings = n / steps_per_half;
  const double within = double(n % steps_per_half) / (2 * steps_per_half);
  return 1 - std::exp2(-halvings) * (1 - within);
}

// Calls f(PercentileStep), ascending; the last one has the share 1 and the maximum. Nothing for an
// empty histogram.
template <typename F>
void for_each_percentile_step(const Histogram& histogram, F&& f) {
  const std::uint64_t total = histogram.count();
  int step = 0;
  std::uint64_t seen = 0;
  const auto take_bucket = [&](Nanos high, std::uint64_t count) {
    seen += count;
    const Nanos value = std::min(high, histogram.max());
    while (seen < total && seen >= histogram.rank_of(share_at(step) * 100)) {
      f(PercentileStep{share_at(step++), value, seen});
    }
  };
  if (histogram.below() != 0) take_bucket(Histogram::lowest, histogram.below());
  histogram.for_each([&](const Histogram::Bucket& b) { take_bucket(b.high, b.count); });
  if (total != 0) f(PercentileStep{1, histogram.max(), total});
}

}  // namespace ringpost::loadgen
