#include "tools/loadgen/report/hgrm.h"

#include <fmt/format.h>

#include <iterator>

#include "tools/loadgen/report/percentile_steps.h"

namespace ringpost::loadgen {

namespace {

double micros(double nanos) { return nanos / double(engine::nanos_per_us); }

}  // namespace

std::string to_hgrm(const Histogram& histogram) {
  std::string out = fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile",
                                "TotalCount", "1/(1-Percentile)");
  for_each_percentile_step(histogram, [&](const PercentileStep& step) {
    fmt::format_to(std::back_inserter(out), "{:12.3f} {:2.12f} {:10}", micros(double(step.value)),
                   step.share, step.count);
    // As HdrHistogram: the reciprocal of zero is left out.
    if (step.share < 1) fmt::format_to(std::back_inserter(out), " {:14.2f}", 1 / (1 - step.share));
    out += '\n';
  });
  fmt::format_to(std::back_inserter(out), "#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n",
                 micros(histogram.mean()), micros(histogram.standard_deviation()));
  fmt::format_to(std::back_inserter(out), "#[Max     = {:12.3f}, Total count    = {:12}]\n",
                 micros(double(histogram.max())), histogram.count());
  fmt::format_to(std::back_inserter(out), "#[Buckets = {:12}, SubBuckets     = {:12}]\n", 32,
                 2 * HistogramScale::steps);
  return out;
}

}  // namespace ringpost::loadgen
