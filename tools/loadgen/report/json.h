#pragma once

// A run as JSON, for programs. result.schema.json beside this file describes it.

#include <string>

#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

// The name and version of the format: the value of "schema". It grows with a change that breaks
// a reader.
inline constexpr const char* json_schema = "ringpost-load/1";

// One object and a newline. Always valid UTF-8, whatever was typed or received.
std::string to_json(const RunResult& run);

}  // namespace ringpost::loadgen
