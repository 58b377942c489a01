#pragma once

// The closed loop of a scenario whose requests and replies are both streams that repeat.

#include <string>

#include "perf/client/options.h"
#include "perf/client/repeated_stream.h"

namespace ringpost::perf {

// Runs `options.connections` with `options.depth` in flight each and returns the fields of the
// run's line. At depth 1 these include the time of each request; one connection alone is not
// polled but received from, which is the shortest way.
std::string run_closed_loop(const Options& options, Period requests, Period replies);

}  // namespace ringpost::perf
