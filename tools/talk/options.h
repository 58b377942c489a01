#pragma once

// Options: what the command line of ringpost-talk says.

#include <optional>
#include <string>

#include "engine/net/name_lookup.h"
#include "tools/options/program.h"
#include "tools/talk/talk.h"

namespace ringpost::talk {

using tools::exit_usage;

struct Options {
  TalkOptions talk;
  engine::NameLookupOptions lookup;
  std::optional<std::string> request;  // with --once; none: the first line of standard input
};

using CommandLine = tools::CommandLine<Options>;

// Every wrong option has its own line in the text.
CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace ringpost::talk
