#pragma once

// The option table: one row per option with its name, unit, bounds and help. The rows are the only
// place where an option is described; the command line, --help and whatever comes to need the same
// words (a config file, man pages, the environment) walk them. A default is not written in its row:
// it is what a fresh Options holds.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "tools/ringpost/options.h"

namespace ringpost::daemon {

enum class OptionGroup : std::uint8_t {
  services,
  orders,
  chat,
  echo,
  message_relay,
  relay,
  connections,
  shards,
  logging,
  other
};
inline constexpr std::uint8_t option_groups = 10;
std::string_view heading(OptionGroup group);

// An action is done instead of serving; it has no value.
struct Action {};

struct Flag {
  bool& (*at)(Options&);
};

enum class Unit : std::uint8_t { count, bytes, seconds, microseconds };  // of a bare number

// A whole number within bounds, both inclusive; durations are bounded in nanoseconds. Where `at` is
// an optional, the word `auto` leaves the value to the machine.
struct Number {
  std::variant<std::uint64_t& (*)(Options&), std::optional<std::uint64_t>& (*)(Options&),
               engine::Nanos& (*)(Options&), std::optional<engine::Nanos>& (*)(Options&)>
      at;
  Unit unit;
  std::uint64_t min;
  std::uint64_t max;
  bool power_of_two = false;
};

// A finite binary32 above 0. Shown with the shortest digits that read back to it.
struct Amount {
  float& (*at)(Options&);
};

// One of a few words; the index of the word is the value of the enum.
struct Choice {
  std::span<const std::string_view> words;
  std::uint8_t (*get)(const Options&);
  void (*set)(Options&, std::uint8_t);
};

// Anything with a syntax of its own. `set` returns what is wrong with the text, as the end of a
// sentence; empty: nothing.
struct Text {
  std::string (*set)(Options&, std::string_view);
  std::string (*show)(const Options&);
};

// A Text that may be given several times, each adding to the last.
struct TextList {
  std::string (*add)(Options&, std::string_view);
  std::string (*show)(const Options&);
};

struct OptionRow {
  OptionGroup group;
  std::string_view name;   // without the dashes
  std::string_view value;  // what stands for the value in --help; empty for actions and flags
  std::variant<Action, Flag, Number, Amount, Choice, Text, TextList> kind;
  std::string_view help;
  std::string_view automatic = "";  // what `auto` comes to, where that is the default
};

std::span<const OptionRow> option_table();
// Null if there is none of that name.
const OptionRow* find_option(std::string_view name);

// The one door through which text becomes an option's value, wherever the text came from. Returns
// what is wrong, naming option, value and bounds; empty: nothing. Requires: the row is no action.
std::string set_option(Options& options, const OptionRow& row, std::string_view text);

// The value as set_option reads it; `auto` where it is left to the machine. Requires: no action.
std::string show_option(const Options& options, const OptionRow& row);

// What may be said: "1 to 64", "spaced or compact". Empty where the value's syntax says it all.
std::string bounds_of(const OptionRow& row);

}  // namespace ringpost::daemon
