#pragma once

// The option table: one row per option, its names, help and bounds. The only place where an option
// is described; the command line and --help walk it. A default is what a fresh Options holds.

#include <span>

#include "tools/loadgen/options.h"
#include "tools/options/setter.h"

namespace ringpost::loadgen {

using OptionRow = tools::Setter<Options>;

std::span<const OptionRow> option_table();

}  // namespace ringpost::loadgen
