#pragma once

#include <string>

#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

// A run as one page for people, with plots, light and dark. It is complete in itself: no script,
// and no reference to anything outside (its own policy forbids any).
std::string to_html(const RunResult& run);

}  // namespace ringpost::loadgen
