#pragma once

#include <string>
#include <vector>

#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

// What a reader of the result must know before he believes it: whole sentences.
std::vector<std::string> find_warnings(const RunResult& result);

}  // namespace ringpost::loadgen
