#pragma once

// The plots of the page. Empty text where a run has nothing to draw.

#include <string>

#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

std::string plot_percentiles(const RunResult& run);
std::string plot_latency_over_time(const RunResult& run);
std::string plot_rate_over_time(const RunResult& run);

// With the sign for micro, which the terminal's text does without.
std::string html_time(Nanos nanos);

}  // namespace ringpost::loadgen
