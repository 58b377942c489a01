#pragma once

// Each scenario runs to its end and returns the fields of its line of JSON.

#include <string>

#include "perf/client/options.h"

namespace ringpost::perf {

std::string run_get_round_trips(const Options& options);
std::string run_echo_round_trips(const Options& options);
std::string run_relay_stream(const Options& options);
std::string run_relay_latency(const Options& options);
std::string run_idle(const Options& options);
std::string run_floors(const Options& options);

}  // namespace ringpost::perf
