#pragma once

// CommandLine: from argv to Options, or to the text and the exit status that end the process.

#include <string>

#include "tools/loadgen/options.h"
#include "tools/options/program.h"

namespace ringpost::loadgen {

using CommandLine = tools::CommandLine<Options>;

// Every wrong option has its own line in the text. Requires: host.cpus is not empty.
CommandLine parse_command_line(int argc, const char* const* argv, const Host& host);

// Generated from the option table, at most 80 columns wide.
std::string help_text();
std::string version_text();

}  // namespace ringpost::loadgen
