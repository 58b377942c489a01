#pragma once

#include <string>

#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

// A header and a row a second, the warm-up's too (column `warmup`). Times in microseconds.
std::string to_csv(const RunResult& run);

}  // namespace ringpost::loadgen
