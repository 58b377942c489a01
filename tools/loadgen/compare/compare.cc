#include "tools/loadgen/compare/compare.h"

#include <fmt/format.h>

#include <algorithm>

namespace ringpost::loadgen {

namespace {

constexpr std::size_t runs_min = 3;
// Seconds behind one another are alike. Put together they are fewer and more independent values.
constexpr std::size_t stretches_max = 30;

std::size_t count_seconds(const std::vector<StoredRun>& runs) {
  std::size_t count = 0;
  for (const StoredRun& run : runs) count += run.seconds.size();
  return count;
}

void add(Sample& sample, const Figures& figures) {
  sample.rate_per_s.push_back(figures.rate_per_s);
  if (figures.p99_us) sample.p99_us.push_back(*figures.p99_us);
}

// The mean of some seconds; no p99 if one of them had no reply.
Figures mean_of(std::span<const Figures> seconds) {
  Figures mean{0, 0.0};
  for (const Figures& second : seconds) {
    mean.rate_per_s += second.rate_per_s / double(seconds.size());
    if (!second.p99_us || !mean.p99_us) {
      mean.p99_us.reset();
    } else {
      *mean.p99_us += *second.p99_us / double(seconds.size());
    }
  }
  return mean;
}

Sample sample_runs(const std::vector<StoredRun>& runs) {
  Sample sample;
  for (const StoredRun& run : runs) add(sample, run.whole);
  return sample;
}

Sample sample_seconds(const std::vector<StoredRun>& runs) {
  const std::size_t length =
      std::max<std::size_t>(1, (count_seconds(runs) + stretches_max - 1) / stretches_max);
  Sample sample;
  for (const StoredRun& run : runs) {
    const std::span<const Figures> seconds = run.seconds;
    for (std::size_t i = 0; i + length <= seconds.size(); i += length) {
      add(sample, mean_of(seconds.subspan(i, length)));
    }
  }
  return sample;
}

void warn_of_failures(const std::vector<StoredRun>& runs, const char* group,
                      std::vector<std::string>& warnings) {
  const auto failed = std::count_if(runs.begin(), runs.end(),
                                    [](const StoredRun& run) { return run.failures > 0; });
  if (failed == 0) return;
  warnings.push_back(
      fmt::format("{} of {} runs of {} had errors or wrong replies", failed, runs.size(), group));
}

// Every run should have been made as the first one was.
void warn_of_conditions(const std::vector<StoredRun>& a, const std::vector<StoredRun>& b,
                        std::vector<std::string>& warnings) {
  const auto& wanted = a.front().conditions;
  std::vector<std::string> names;
  for (const auto* group : {&a, &b}) {
    for (const StoredRun& run : *group) {
      for (std::size_t i = 0; i < std::min(wanted.size(), run.conditions.size()); ++i) {
        if (run.conditions[i] != wanted[i]) names.push_back(wanted[i].first);
      }
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.empty()) return;
  warnings.push_back(fmt::format("the runs were not made alike: {}", fmt::join(names, ", ")));
}

bool all_positive(const std::vector<double>& values) {
  return !values.empty() &&
         std::all_of(values.begin(), values.end(), [](double v) { return v > 0; });
}

}  // namespace

Verdict Comparison::verdict() const {
  // Ordered by what decides.
  constexpr Verdict order[] = {Verdict::worse, Verdict::cannot_tell, Verdict::same};
  for (const Verdict verdict : order) {
    if (rate.verdict == verdict || (has_p99 && p99.verdict == verdict)) return verdict;
  }
  return Verdict::better;
}

engine::Result<Comparison, std::string> compare_runs(const std::vector<StoredRun>& a,
                                                     const std::vector<StoredRun>& b,
                                                     const CompareOptions& options) {
  for (const auto* group : {&a, &b}) {
    for (const StoredRun& run : *group) {
      if (run.whole.rate_per_s > 0) continue;
      return engine::Unexpected{run.path + " has no replies, so there is nothing to compare"};
    }
  }
  Comparison comparison;
  comparison.by_seconds = std::min(a.size(), b.size()) < runs_min;
  comparison.a = comparison.by_seconds ? sample_seconds(a) : sample_runs(a);
  comparison.b = comparison.by_seconds ? sample_seconds(b) : sample_runs(b);
  if (!all_positive(comparison.a.rate_per_s) || !all_positive(comparison.b.rate_per_s)) {
    return engine::Unexpected{std::string(
        "fewer than three runs are compared by their seconds, and these were too short or had "
        "seconds without replies; give three runs of each")};
  }
  comparison.rate = judge(comparison.a.rate_per_s, comparison.b.rate_per_s, true, options.judge);
  comparison.has_p99 = all_positive(comparison.a.p99_us) && all_positive(comparison.b.p99_us);
  if (comparison.has_p99) {
    JudgeOptions of_p99 = options.judge;
    if (options.p99_threshold > 0) of_p99.threshold = options.p99_threshold;
    comparison.p99 = judge(comparison.a.p99_us, comparison.b.p99_us, false, of_p99);
  }
  if (comparison.by_seconds) {
    comparison.warnings.push_back(
        "fewer than three runs of each: compared by their seconds, which do not show how runs "
        "differ from one another");
  }
  warn_of_failures(a, "A", comparison.warnings);
  warn_of_failures(b, "B", comparison.warnings);
  warn_of_conditions(a, b, comparison.warnings);
  return comparison;
}

}  // namespace ringpost::loadgen
