#include "tools/loadgen/compare/judge.h"

#include <algorithm>
#include <vector>

namespace ringpost::loadgen {

namespace {

constexpr double p_sure = 0.01;
constexpr double p_beyond_doubt = 0.001;
// With fewer, even groups that do not overlap prove nothing: 2 and 2 do so once in six.
constexpr std::size_t values_min = 3;

bool equal_values(std::span<const double> a, std::span<const double> b) {
  std::vector<double> x(a.begin(), a.end()), y(b.begin(), b.end());
  std::sort(x.begin(), x.end());
  std::sort(y.begin(), y.end());
  return x == y;
}

// How much worse B is, as shares of A's goodness or badness, whichever the figure counts.
struct Worsening {
  double typical, low, high;
};

Worsening worsening_of(const Finding& finding, bool higher_is_better) {
  const auto [low, high] = finding.interval;
  if (higher_is_better) return {1 - finding.ratio, 1 - high, 1 - low};
  return {finding.ratio - 1, low - 1, high - 1};
}

// The four rules of the header. `p_worse` and `p_better` are one-sided.
Verdict decide(const Worsening& w, double p_worse, double p_better, double p_least,
               double threshold) {
  const double sure = std::max(p_sure, p_least), beyond_doubt = std::max(p_beyond_doubt, p_least);
  if (w.high < threshold) {
    const bool better = -w.typical >= threshold && w.high < 0 && p_better <= sure;
    return better ? Verdict::better : Verdict::same;
  }
  if (w.high - w.typical > threshold) {
    const bool worse = w.low >= threshold && p_worse <= beyond_doubt;
    return worse ? Verdict::worse : Verdict::cannot_tell;
  }
  const bool surely_worse = w.low > 0 && p_worse <= sure;
  if (surely_worse == (w.typical >= threshold)) {
    return surely_worse ? Verdict::worse : Verdict::same;
  }
  return Verdict::cannot_tell;
}

}  // namespace

const char* to_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::same:
      return "same";
    case Verdict::better:
      return "better";
    case Verdict::worse:
      return "worse";
    case Verdict::cannot_tell:
      return "cannot tell";
  }
  return "";
}

Finding judge(std::span<const double> a, std::span<const double> b, bool higher_is_better,
              const JudgeOptions& options) {
  if (equal_values(a, b)) return {};
  Finding finding;
  finding.ratio = typical_ratio(a, b);
  finding.interval = bootstrap_ratio(a, b, options.confidence, options.seed, options.rounds);
  const MannWhitney test = mann_whitney(a, b);
  const double p_worse = higher_is_better ? test.p_less : test.p_greater;
  const double p_better = higher_is_better ? test.p_greater : test.p_less;
  finding.p = std::min(p_worse, p_better);
  finding.verdict = Verdict::cannot_tell;
  if (std::min(a.size(), b.size()) >= values_min) {
    finding.verdict = decide(worsening_of(finding, higher_is_better), p_worse, p_better,
                             test.p_least, options.threshold);
  }
  return finding;
}

}  // namespace ringpost::loadgen
