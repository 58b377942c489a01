#pragma once

// CommandLine: from argv to Options, or to the text and the exit status that end the process.

#include <optional>
#include <string>
#include <string_view>

#include "tools/ringpost/options.h"

namespace ringpost::daemon {

inline constexpr int exit_usage = 2;

struct CommandLine {
  std::optional<Options>
      options;        // resolved and valid; empty: print `text` and exit with `exit_code`
  int exit_code = 0;  // 0 (print to standard output) or exit_usage (to standard error)
  std::string text;   // ends with a new line
};

// Every wrong option has its own line in the text, not only the first. An option that is given
// twice has its last value. Requires: host.cpus is not empty.
CommandLine parse_options(int argc, const char* const* argv, const Host& host);

// Generated from the option table, at most 80 columns wide.
std::string help_text();

// "ringpost 0.1.0\n"
std::string version_text();

}  // namespace ringpost::daemon
