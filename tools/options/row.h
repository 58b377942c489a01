#pragma once

// Row: an option as its words are read and explained. What its value means is for the program.

#include <string>
#include <string_view>

namespace ringpost::tools {

struct Row {
  std::string_view heading;  // of a group of rows, which stand together; empty: only a blank line
  std::string names;         // as CLI11 takes them: "-c,--connections"; the last is the long one
  std::string_view value;    // what stands for the value in --help; empty: a flag
  std::string_view help;
  std::string fine_print = "";  // default and bounds, from a line of their own on; may be empty
  std::string bounds = "";      // for whoever leaves the value out; may be empty
  bool adds_up = false;         // every value counts, not only the last one
};

// Without the dashes.
inline std::string_view long_name(std::string_view names) {
  return names.substr(names.rfind("--") + 2);
}

}  // namespace ringpost::tools
