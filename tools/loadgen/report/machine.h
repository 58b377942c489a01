#pragma once

#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

// What this program was built from and runs on. Reads /proc and uname; what they do not tell is
// "unknown".
Machine read_machine();

}  // namespace ringpost::loadgen
