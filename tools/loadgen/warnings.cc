#include "tools/loadgen/warnings.h"

#include <algorithm>
#include <cmath>

namespace ringpost::loadgen {

namespace {

// Above it a thread has no time left that a faster server could use.
constexpr double busy_share_max = 0.95;
constexpr double run_delay_share_max = 0.05;
constexpr double rate_part_min = 0.999;

std::string percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

std::string thread_name(const ThreadUse& use) {
  return "the thread on CPU " + std::to_string(use.cpu);
}

}  // namespace

std::vector<std::string> find_warnings(const RunResult& result) {
  std::vector<std::string> warnings;
  for (const ThreadUse& use : result.threads) {
    const double delay = result.elapsed == 0 ? 0
                                             : static_cast<double>(use.run_delay) /
                                                   static_cast<double>(result.elapsed);
    if (use.busy_share > busy_share_max) {
      warnings.push_back("the generator is the bottleneck: " + thread_name(use) + " was busy " +
                         percent(use.busy_share) + " of the time; give it more --threads");
    } else if (delay > run_delay_share_max) {
      warnings.push_back("the generator was held up: " + thread_name(use) + " waited " +
                         percent(delay) + " of the time for its CPU; see --cpus");
    }
  }
  const double seconds = result.seconds_elapsed();
  if (result.setup.asked_per_s && seconds > 0) {
    const double sent = static_cast<double>(result.requests) / seconds;
    if (sent < *result.setup.asked_per_s * rate_part_min) {
      warnings.push_back("only " + percent(sent / *result.setup.asked_per_s) +
                         " of the rate that was asked for was reached");
    }
  }
  return warnings;
}

}  // namespace ringpost::loadgen
