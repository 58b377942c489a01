#pragma once

// The result as text for people.

#include <string>

#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

std::string summary_text(const RunResult& result);

}  // namespace ringpost::loadgen
