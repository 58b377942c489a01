#pragma once

// Options: what the command line of ringpost-talk says.

#include <optional>
#include <string>

#include "engine/net/name_lookup.h"
#include "tools/talk/talk.h"

namespace ringpost::talk {

inline constexpr int exit_usage = 2;

struct Options {
  TalkOptions talk;
  engine::NameLookupOptions lookup;
  std::optional<std::string> request;  // with --once; none: the first line of standard input
};

// What a command line asks for: to run with options, or to print a text and exit.
struct CommandLine {
  std::optional<Options> options;
  int exit_code = exit_good;  // or exit_usage: the text goes to standard error
  std::string text;
};

CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace ringpost::talk
