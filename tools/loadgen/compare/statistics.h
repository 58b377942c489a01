#pragma once

// Two groups of measured values, compared without assuming how they are distributed.

#include <cstdint>
#include <span>

namespace ringpost::loadgen {

// How many times as large as those of `a` the values of `b` are: exp of the median over all pairs
// of log(b / a), the estimate of Hodges and Lehmann. An outlier hardly moves it, and little is lost
// where there is none. Requires: both have values, all greater than zero.
double typical_ratio(std::span<const double> a, std::span<const double> b);

struct Interval {
  double low;
  double high;
};

// The interval of typical_ratio that `confidence` (0..1) of `rounds` resamplings of both groups lie
// in. The same seed gives the same interval. Requires: as typical_ratio, and rounds > 0.
Interval bootstrap_ratio(std::span<const double> a, std::span<const double> b, double confidence,
                         std::uint64_t seed, int rounds);

// What chance alone does: how likely groups that do not differ come out like this or further apart.
struct MannWhitney {
  double u;          // pairs in which b is greater, ties counted half
  double p_greater;  // of b being as great as it is, or greater
  double p_less;     // of b being as small as it is, or smaller
  double p_least;    // the smallest that groups of these sizes can show
};

// Exact, ties included, while the groups have not more than `exact_max` values together; above, by
// the normal distribution, corrected for ties and continuity. Requires: both have values.
MannWhitney mann_whitney(std::span<const double> a, std::span<const double> b);
inline constexpr std::size_t exact_max = 40;
// The approximation alone, for any size.
MannWhitney mann_whitney_normal(std::span<const double> a, std::span<const double> b);

double mean(std::span<const double> values);
// Standard deviation by mean; zero for a single value.
double relative_spread(std::span<const double> values);

}  // namespace ringpost::loadgen
