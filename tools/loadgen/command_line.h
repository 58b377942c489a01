#pragma once

// CommandLine: from argv to Options, or to the text and the exit status that end the process.

#include <optional>
#include <string>

#include "tools/loadgen/options.h"

namespace ringpost::loadgen {

struct CommandLine {
  std::optional<Options> options;  // valid; empty: print `text` and exit with `exit_code`
  int exit_code = 0;               // exit_ok (to standard output) or exit_usage (standard error)
  std::string text;                // ends with a new line
};

// Every wrong option has its own line in the text. Requires: host.cpus is not empty.
CommandLine parse_command_line(int argc, const char* const* argv, const Host& host);

// Generated from the option table, at most 80 columns wide.
std::string help_text();
std::string version_text();

}  // namespace ringpost::loadgen
