#pragma once

// Whether B is worse than A in one figure, and whether one can tell at all.
//
// With w, by how much B is worse (0.05: 5 %), its bootstrap interval low..high, and the threshold
// T, the smallest slow-down that matters:
//
//   1. high < T                   not worse: `better` if it is surely better by T or more, else
//   `same`
//   2. the interval is finer than T (from w to high):
//        w >= T, surely worse     `worse`
//        w < T, not surely worse  `same`: what there may be is smaller than what one looks for
//        otherwise                `cannot_tell`
//   3. it is not: `worse` if low >= T and it is beyond doubt, else `cannot_tell`
//
// "Surely" is Mann-Whitney's p <= 0.01 and an interval that excludes no change, "beyond doubt"
// p <= 0.001: who measures coarsely has to show more. Groups too small for such a p show it by not
// overlapping at all, from three values each on. Equal values are the same.

#include <cstdint>
#include <span>

#include "tools/loadgen/compare/statistics.h"

namespace ringpost::loadgen {

enum class Verdict : std::uint8_t { same, better, worse, cannot_tell };
const char* to_text(Verdict verdict);

struct JudgeOptions {
  double threshold = 0.03;
  double confidence = 0.95;
  std::uint64_t seed = 1;
  int rounds = 10'000;  // of resampling
};

struct Finding {
  double ratio = 1;  // b / a
  Interval interval{1, 1};
  double p = 1;  // one-sided, that chance alone gives a difference like this in its direction
  Verdict verdict = Verdict::same;
};

// Requires: all values are greater than zero, and both groups have some.
Finding judge(std::span<const double> a, std::span<const double> b, bool higher_is_better,
              const JudgeOptions& options);

}  // namespace ringpost::loadgen
