#pragma once

// CommandLine: from argv to Options, or to the text and the exit status that end the process.

#include <string>

#include "tools/options/program.h"
#include "tools/ringpost/options.h"

namespace ringpost::daemon {

using tools::exit_usage;
using CommandLine = tools::CommandLine<Options>;

// Every wrong option has its own line in the text, not only the first. An option that is given
// twice has its last value. Requires: host.cpus is not empty.
CommandLine parse_options(int argc, const char* const* argv, const Host& host);

// Generated from the option table, at most 80 columns wide.
std::string help_text();

// "ringpost 0.1.0\n"
std::string version_text();

}  // namespace ringpost::daemon
