#pragma once

// Setter: a row of a table of options, with the function that reads the option's value. For
// programs whose options are few; the daemon's rows know more (tools/ringpost/option_table.h).

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/options/program.h"

namespace ringpost::tools {

template <typename Options>
struct Setter {
  std::string_view heading, names, value;  // as in Row
  // Returns what is wrong with the text, as the end of a sentence; empty: nothing. Null: --help and
  // --version, which are done instead.
  std::string (*set)(Options&, std::string_view);
  std::string_view help;
  std::string_view fine_print = "";
  bool adds_up = false;
};

template <typename Options>
std::vector<Row> rows_of(std::span<const Setter<Options>> table) {
  std::vector<Row> rows;
  for (const Setter<Options>& setter : table) {
    rows.push_back({.heading = setter.heading,
                    .names = std::string(setter.names),
                    .value = setter.value,
                    .help = setter.help,
                    .fine_print = std::string(setter.fine_print),
                    .adds_up = setter.adds_up});
  }
  return rows;
}

// Puts what was given into `options`; appends what is wrong.
template <typename Options>
void set_given(std::span<const Setter<Options>> table, const Given& given, Options& options,
               std::vector<std::string>& complaints) {
  for (const Setter<Options>& setter : table) {
    const std::string_view name = long_name(setter.names);
    const auto found = given.values.find(name);
    if (found == given.values.end()) continue;
    for (const std::string& text : found->second) {
      const std::string wrong = setter.set(options, text);
      if (!wrong.empty()) complaints.push_back(wrong_value(name, text, wrong));
    }
  }
}

// Of a flag, whose text is "true" unless more was said.
inline std::string set_flag(bool& flag, std::string_view text) {
  if (text != "true" && text != "false") return "is neither true nor false";
  flag = text == "true";
  return "";
}

}  // namespace ringpost::tools
