#pragma once

// Program: what the command lines of our programs share. It finds options and their values among
// the words of argv, writes --help and --version, and words what is wrong. What a value means is
// for the program.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "tools/options/help.h"
#include "tools/options/row.h"

namespace ringpost::tools {

inline constexpr int exit_usage = 2;

// What ends the process before it did anything.
struct Ending {
  int exit_code;     // 0 (print to standard output) or exit_usage (to standard error)
  std::string text;  // ends with a new line
};

// What a command line comes to: options, or how the process ends.
template <typename Options>
struct CommandLine {
  CommandLine(Options valid) : options(std::move(valid)) {}  // NOLINT(google-explicit-constructor)
  CommandLine(Ending ending)                                 // NOLINT(google-explicit-constructor)
      : exit_code(ending.exit_code), text(std::move(ending.text)) {}

  std::optional<Options> options;  // valid; empty: print `text` and exit with `exit_code`
  int exit_code = 0;
  std::string text;
};

// The words of a command line.
struct Given {
  // By the long names of the options that were given: their values, the last one alone unless the
  // row adds up. A flag's is "true", or what was said behind its '='.
  std::map<std::string, std::vector<std::string>, std::less<>> values;
  // Everything else, in its order: no option, and no value of one. `--` is among it.
  std::vector<std::string> rest;
};

class Program {
 public:
  struct About {
    std::string_view name;
    std::string_view help_head, help_tail;  // what stands around the rows in --help
    HelpShape help_shape;
  };

  // Requires: there are rows for --help and --version.
  Program(const About& about, std::vector<Row> rows) : about_(about), rows_(std::move(rows)) {}

  // Ends with the help or the version if one was asked for, or if an option has no value.
  engine::Result<Given, Ending> read(int argc, const char* const* argv) const;

  // Appends what is wrong with words that nobody takes. Those behind an unknown option are most
  // likely its values, so of words that are no options only the very first is named.
  void complain_about(std::span<const std::string> words,
                      std::vector<std::string>& complaints) const;
  Ending refuse(std::span<const std::string> complaints) const;

  std::string help_text() const;
  std::string version_text() const;

 private:
  std::string complaint_about(std::string_view word) const;
  std::string missing_value(std::string_view last) const;

  About about_;
  std::vector<Row> rows_;
};

// "--size: '9-1' is a range that ends before it begins", of `wrong` that ends this sentence.
std::string wrong_value(std::string_view long_name, std::string_view text, std::string_view wrong);

}  // namespace ringpost::tools
