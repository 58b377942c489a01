#include "tools/ringpost/option_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <variant>

namespace ringpost::daemon {
namespace {

bool is_action(const OptionRow& row) { return std::holds_alternative<Action>(row.kind); }

// The exact value as text that parse_* reads, whatever the unit.
std::string exact(const Number& number, std::uint64_t value) {
  const bool duration = number.unit == Unit::seconds || number.unit == Unit::microseconds;
  return std::to_string(value) + (duration ? "ns" : "");
}

const OptionRow& row_of(std::string_view name) {
  const OptionRow* row = find_option(name);
  EXPECT_NE(row, nullptr) << name;
  return *row;
}

std::string set(Options& options, std::string_view name, std::string_view text) {
  return set_option(options, row_of(name), text);
}

TEST(OptionTable, NamesAreUniqueAndDressedForACommandLine) {
  std::set<std::string_view> names;
  for (const OptionRow& row : option_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string_view::npos)
        << row.name;
    EXPECT_FALSE(row.help.empty()) << row.name;
    EXPECT_TRUE(row.help.ends_with('.')) << row.name;
    EXPECT_EQ(find_option(row.name), &row);
  }
}

TEST(OptionTable, GroupsStandTogetherInTheirOrder) {
  OptionGroup last = OptionGroup::services;
  for (const OptionRow& row : option_table()) {
    EXPECT_LE(last, row.group) << row.name;
    EXPECT_FALSE(heading(row.group).empty());
    last = row.group;
  }
}

TEST(OptionTable, OnlyFlagsAndActionsHaveNoValue) {
  for (const OptionRow& row : option_table()) {
    const bool without = is_action(row) || std::holds_alternative<Flag>(row.kind);
    EXPECT_EQ(row.value.empty(), without) << row.name;
  }
}

TEST(OptionTable, EveryDefaultReadsBackToItself) {
  for (const OptionRow& row : option_table()) {
    if (is_action(row)) continue;
    Options options;
    const std::string shown = show_option(options, row);
    EXPECT_EQ(set_option(options, row, shown), "") << row.name;
    EXPECT_EQ(show_option(options, row), shown) << row.name;
    EXPECT_EQ(shown == "auto", !row.automatic.empty()) << row.name;
  }
}

TEST(OptionTable, EveryNumberHoldsItsBounds) {
  for (const OptionRow& row : option_table()) {
    const Number* number = std::get_if<Number>(&row.kind);
    if (number == nullptr) continue;
    for (const std::uint64_t value : {number->min, number->max}) {
      Options options;
      EXPECT_EQ(set_option(options, row, exact(*number, value)), "") << row.name;
      Options again;
      EXPECT_EQ(set_option(again, row, show_option(options, row)), "") << row.name;
      EXPECT_EQ(show_option(again, row), show_option(options, row)) << row.name;
      EXPECT_NE(show_option(options, row), "auto") << row.name;
    }
    std::vector<std::string> outside = {exact(*number, number->max + 1), "18446744073709551616"};
    if (number->min > 0) outside.push_back(exact(*number, number->min - 1));
    if (number->power_of_two) outside.push_back(exact(*number, number->max - 1));
    for (const std::string& text : outside) {
      Options options;
      const std::string wrong = set_option(options, row, text);
      EXPECT_NE(wrong.find("--" + std::string(row.name) + ": '" + text + "'"), std::string::npos)
          << wrong;
      EXPECT_NE(wrong.find(bounds_of(row)), std::string::npos) << wrong;
      EXPECT_EQ(show_option(options, row), show_option(Options{}, row)) << row.name;
    }
  }
}

TEST(OptionTable, NoNumberTakesNonsense) {
  for (const OptionRow& row : option_table()) {
    if (!std::holds_alternative<Number>(row.kind) && !std::holds_alternative<Amount>(row.kind)) {
      continue;
    }
    for (const char* text : {"", "x", "-1", "1.5.", " 1", "nan"}) {
      Options options;
      const std::string wrong = set_option(options, row, text);
      EXPECT_NE(wrong.find(bounds_of(row)), std::string::npos) << row.name << " " << text;
      EXPECT_EQ(show_option(options, row), show_option(Options{}, row)) << row.name;
    }
  }
}

TEST(OptionTable, EveryWordOfAChoiceIsTakenAndNoOther) {
  for (const OptionRow& row : option_table()) {
    const Choice* choice = std::get_if<Choice>(&row.kind);
    if (choice == nullptr) continue;
    for (const std::string_view word : choice->words) {
      Options options;
      EXPECT_EQ(set_option(options, row, word), "") << row.name;
      EXPECT_EQ(show_option(options, row), word);
    }
    Options options;
    EXPECT_NE(set_option(options, row, "Nonsense").find(bounds_of(row)), std::string::npos);
  }
}

TEST(OptionTable, FlagsAreTrueOrFalse) {
  for (const OptionRow& row : option_table()) {
    if (!std::holds_alternative<Flag>(row.kind)) continue;
    Options options;
    EXPECT_EQ(show_option(options, row), "false") << row.name;
    EXPECT_EQ(set_option(options, row, "true"), "");
    EXPECT_EQ(show_option(options, row), "true");
    EXPECT_EQ(set_option(options, row, "false"), "");
    EXPECT_EQ(show_option(options, row), "false");
    EXPECT_NE(set_option(options, row, "yes"), "");
  }
}

// No two rows may write the same member: a row changes what it shows and nothing else.
TEST(OptionTable, ARowChangesItselfAlone) {
  for (const OptionRow& row : option_table()) {
    if (is_action(row)) continue;
    Options options;
    const std::string before = show_option(options, row);
    std::vector<std::string> others = {
        "true", "orders", "0,2-3", "127.0.0.1:1", "127.0.0.1:1=name:1", "ws://name:1"};
    if (const Number* number = std::get_if<Number>(&row.kind)) {
      Options largest;
      (void)set_option(largest, row, exact(*number, number->max));
      const bool is_default = show_option(largest, row) == before;
      others.push_back(exact(*number, is_default ? number->min : number->max));
    } else if (const Choice* choice = std::get_if<Choice>(&row.kind)) {
      others.emplace_back(choice->words.back() == before ? choice->words.front()
                                                         : choice->words.back());
    } else if (std::holds_alternative<Amount>(row.kind)) {
      others.push_back("7.5");
    }
    for (const std::string& text : others) (void)set_option(options, row, text);
    EXPECT_NE(show_option(options, row), before) << row.name;
    for (const OptionRow& other : option_table()) {
      if (is_action(other) || &other == &row) continue;
      EXPECT_EQ(show_option(options, other), show_option(Options{}, other))
          << row.name << " changes " << other.name;
    }
  }
}

TEST(OptionTable, ServicesAreChosenByName) {
  Options options;
  EXPECT_EQ(set(options, "services", "chat"), "");
  EXPECT_FALSE(options.orders.enabled);
  EXPECT_TRUE(options.chat.enabled);
  EXPECT_EQ(set(options, "services", "chat,orders"), "");
  EXPECT_TRUE(options.orders.enabled);
  EXPECT_NE(set(options, "services", "orders,caht").find("'caht'"), std::string::npos);
  EXPECT_NE(set(options, "services", ""), "");
  EXPECT_TRUE(options.orders.enabled && options.chat.enabled);  // a refused value changes nothing
}

TEST(OptionTable, CpusAreSinglesAndRangesInTheOrderGiven) {
  Options options;
  EXPECT_EQ(set(options, "cpus", "4,0-2,7"), "");
  EXPECT_EQ(options.shards.cpus, (std::vector<int>{4, 0, 1, 2, 7}));
  for (const char* text : {"", ",", "0,", "-1", "0-", "2-1", "0-1-2", "x", "0,0", "0-3,2", "65536",
                           "0 1", "99999999999"}) {
    EXPECT_NE(set(options, "cpus", text), "") << text;
    EXPECT_EQ(options.shards.cpus.size(), 5u) << text;
  }
  EXPECT_EQ(set(options, "cpus", "auto"), "");
  EXPECT_TRUE(options.shards.cpus.empty());
}

TEST(OptionTable, TheCapIsAFiniteAmountAboveZeroInBinary32) {
  Options options;
  EXPECT_EQ(set(options, "orders-cap", "19.999999"), "");
  EXPECT_EQ(options.orders.cap, 19.999999f);
  EXPECT_EQ(set(options, "orders-cap", "3e38"), "");
  for (const char* text : {"0", "-1", "nan", "inf", "1e39", "", "1x", " 1"}) {
    EXPECT_NE(set(options, "orders-cap", text), "") << text;
  }
  EXPECT_EQ(options.orders.cap, 3e38f);
}

TEST(OptionTable, SpinCountsMicrosecondsAndTimeoutsSeconds) {
  Options options;
  EXPECT_EQ(set(options, "spin-us", "20"), "");
  EXPECT_EQ(options.shards.spin, 20 * engine::nanos_per_us);
  EXPECT_EQ(set(options, "drain-timeout", "20"), "");
  EXPECT_EQ(options.connections.drain_timeout, 20 * engine::nanos_per_s);
  EXPECT_EQ(set(options, "spin-us", "auto"), "");
  EXPECT_FALSE(options.shards.spin.has_value());
}

}  // namespace
}  // namespace ringpost::daemon
