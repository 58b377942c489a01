#pragma once

// The option table: one row per option, its names, help and bounds. The only place where an option
// is described; the command line and --help walk it. A default is what a fresh Options holds.

#include <span>
#include <string>
#include <string_view>

#include "tools/loadgen/options.h"

namespace ringpost::loadgen {

enum class OptionGroup : std::uint8_t { load, machine, patience, output, other };
std::string_view heading(OptionGroup group);

struct OptionRow {
  OptionGroup group;
  std::string_view names;  // as CLI11 takes them: "-c,--connections"; the last is the long one
  std::string_view value;  // what stands for the value in --help; empty: a flag
  // Returns what is wrong with the text, as the end of a sentence; empty: nothing. Null: an action,
  // done instead of a run.
  std::string (*set)(Options&, std::string_view);
  std::string_view help;
  std::string_view fine_print = "";  // default and bounds
};

std::span<const OptionRow> option_table();
// Without the dashes.
std::string_view long_name(const OptionRow& row);

}  // namespace ringpost::loadgen
