#include "tools/loadgen/warnings.h"

#include <algorithm>
#include <cmath>

namespace ringpost::loadgen {

namespace {

// Above it a thread has no time left that a faster server could use.
constexpr double busy_share_max = 0.95;
constexpr double run_delay_share_max = 0.05;
constexpr double late_part_max = 0.01;
constexpr double rate_part_min = 0.99;

std::string percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

std::string thread_name(const ThreadUse& use) {
  return "the thread on CPU " + std::to_string(use.cpu);
}

// An open loop that is never idle sends more often instead of more at a time: full is only who is
// late.
bool keeps_up(const RunResult& result) {
  return result.setup.asked_per_s && static_cast<double>(result.late + result.dropped) <
                                         static_cast<double>(result.requests) * late_part_max;
}

}  // namespace

std::vector<std::string> find_warnings(const RunResult& result) {
  std::vector<std::string> warnings;
  for (const ThreadUse& use : result.threads) {
    const double delay = result.elapsed == 0 ? 0
                                             : static_cast<double>(use.run_delay) /
                                                   static_cast<double>(result.elapsed);
    if (delay > run_delay_share_max) {  // and how busy it was is not known well
      warnings.push_back("the generator was held up: " + thread_name(use) + " waited " +
                         percent(delay) + " of the time for its CPU; see --cpus");
    } else if (use.busy_share > busy_share_max && !keeps_up(result)) {
      warnings.push_back("the generator is the bottleneck: " + thread_name(use) + " was busy " +
                         percent(use.busy_share) + " of the time; give it more --threads");
    }
  }
  if (result.setup.asked_per_s && result.elapsed > 0 && !result.reached(rate_part_min)) {
    warnings.push_back("only " + percent(result.reached_per_s() / *result.setup.asked_per_s) +
                       " of the rate that was asked for was reached");
  }
  return warnings;
}

}  // namespace ringpost::loadgen
