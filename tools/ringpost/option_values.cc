// How the kinds of rows read, write and describe their values.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "engine/base/assert.h"
#include "tools/options/setter.h"
#include "tools/options/units.h"
#include "tools/ringpost/option_table.h"

namespace ringpost::daemon {

namespace {

using engine::Nanos;
using tools::NumberError;

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;  // clang 14 does not make this one up

std::string show_number(Unit unit, std::uint64_t value) {
  switch (unit) {
    case Unit::count:
      return tools::show_count(value);
    case Unit::bytes:
      return tools::show_bytes(value);
    case Unit::seconds:
    case Unit::microseconds:
      return tools::show_duration(static_cast<Nanos>(value));
  }
  ASSERT(false);
  return "";
}

engine::Result<std::uint64_t, NumberError> parse_number(Unit unit, std::string_view text) {
  if (unit == Unit::count) return tools::parse_count(text);
  if (unit == Unit::bytes) return tools::parse_bytes(text);
  engine::Result<Nanos, NumberError> length = tools::parse_duration(
      text, unit == Unit::seconds ? engine::nanos_per_s : engine::nanos_per_us);
  if (!length) return engine::Unexpected{length.error()};
  return static_cast<std::uint64_t>(*length);
}

std::string_view how_to_write(Unit unit) {
  switch (unit) {
    case Unit::count:
      return "a whole number such as 10 or 10k";
    case Unit::bytes:
      return "a size such as 4096, 64KiB or 1MB";
    case Unit::seconds:
      return "a time such as 10s or 500ms (a bare number counts seconds)";
    case Unit::microseconds:
      return "a time such as 50us or 1ms (a bare number counts microseconds)";
  }
  ASSERT(false);
  return "";
}

template <typename T>
constexpr bool is_optional = false;
template <typename T>
constexpr bool is_optional<std::optional<T>> = true;

bool may_be_automatic(const Number& number) {
  return std::visit(
      [](auto at) {
        return is_optional<std::remove_cvref_t<decltype(at(std::declval<Options&>()))>>;
      },
      number.at);
}

void assign(const Number& number, Options& options, std::optional<std::uint64_t> value) {
  std::visit(
      [&](auto at) {
        auto& member = at(options);
        using Member = std::remove_reference_t<decltype(member)>;
        if constexpr (is_optional<Member>) {
          member.reset();
          if (value) member = static_cast<typename Member::value_type>(*value);
        } else {
          ASSERT(value.has_value());
          member = static_cast<Member>(*value);
        }
      },
      number.at);
}

std::optional<std::uint64_t> read(const Number& number, Options& options) {
  return std::visit(
      [&](auto at) -> std::optional<std::uint64_t> {
        const auto& member = at(options);
        if constexpr (is_optional<std::remove_cvref_t<decltype(member)>>) {
          if (!member) return std::nullopt;
          return static_cast<std::uint64_t>(*member);
        } else {
          return static_cast<std::uint64_t>(member);
        }
      },
      number.at);
}

bool within(const Number& number, std::uint64_t value) {
  if (value < number.min || value > number.max) return false;
  return !number.power_of_two || (value & (value - 1)) == 0;
}

std::string set_number(Options& options, const OptionRow& row, const Number& number,
                       std::string_view text) {
  if (text == "auto" && may_be_automatic(number)) {
    assign(number, options, std::nullopt);
    return "";
  }
  const engine::Result<std::uint64_t, NumberError> value = parse_number(number.unit, text);
  if (!value && value.error() == NumberError::malformed) {
    return "is not " + std::string(how_to_write(number.unit)) + ", " + bounds_of(row);
  }
  if (!value || !within(number, value.value()))
    return "is out of bounds, which are " + bounds_of(row);
  assign(number, options, value.value());
  return "";
}

std::string set_amount(Options& options, const OptionRow& row, const Amount& amount,
                       std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) ||
      value <= 0) {
    return "is not " + bounds_of(row);
  }
  amount.at(options) = value;
  return "";
}

std::string show_amount(float value) {
  char text[32];
  const auto [end, error] = std::to_chars(std::begin(text), std::end(text), value);
  ASSERT(error == std::errc());
  return std::string(text, end);
}

std::string set_choice(Options& options, const OptionRow& row, const Choice& choice,
                       std::string_view text) {
  const auto word = std::ranges::find(choice.words, text);
  if (word == choice.words.end()) return "is not " + bounds_of(row);
  choice.set(options, static_cast<std::uint8_t>(word - choice.words.begin()));
  return "";
}

std::string bounds_of_number(const Number& number) {
  std::string text =
      show_number(number.unit, number.min) + " to " + show_number(number.unit, number.max);
  if (number.power_of_two) text += ", a power of two";
  return text;
}

std::string bounds_of_choice(const Choice& choice) {
  std::string text;
  for (std::size_t i = 0; i < choice.words.size(); ++i) {
    if (i != 0) text += i + 1 == choice.words.size() ? " or " : ", ";
    text += choice.words[i];
  }
  return text;
}

}  // namespace

std::string set_option(Options& options, const OptionRow& row, std::string_view text) {
  const std::string wrong =
      std::visit(Overloaded{
                     [](const Action&) -> std::string {
                       ASSERT(false);
                       return "";
                     },
                     [&](const Flag& flag) { return tools::set_flag(flag.at(options), text); },
                     [&](const Number& number) { return set_number(options, row, number, text); },
                     [&](const Amount& amount) { return set_amount(options, row, amount, text); },
                     [&](const Choice& choice) { return set_choice(options, row, choice, text); },
                     [&](const Text& special) { return special.set(options, text); },
                     [&](const TextList& list) { return list.add(options, text); },
                 },
                 row.kind);
  if (wrong.empty()) return "";
  return tools::wrong_value(row.name, text, wrong);
}

std::string show_option(const Options& options, const OptionRow& row) {
  Options copy = options;  // the accessors take what they could change
  return std::visit(
      Overloaded{
          [](const Action&) -> std::string {
            ASSERT(false);
            return "";
          },
          [&](const Flag& flag) -> std::string { return flag.at(copy) ? "true" : "false"; },
          [&](const Number& number) -> std::string {
            const std::optional<std::uint64_t> value = read(number, copy);
            return value ? show_number(number.unit, *value) : "auto";
          },
          [&](const Amount& amount) { return show_amount(amount.at(copy)); },
          [&](const Choice& choice) { return std::string(choice.words[choice.get(options)]); },
          [&](const Text& special) { return special.show(options); },
          [&](const TextList& list) { return list.show(options); },
      },
      row.kind);
}

std::string bounds_of(const OptionRow& row) {
  return std::visit(Overloaded{
                        [](const Action&) -> std::string { return ""; },
                        [](const Flag&) -> std::string { return ""; },
                        [](const Number& number) { return bounds_of_number(number); },
                        [](const Amount&) -> std::string { return "a finite amount above 0"; },
                        [](const Choice& choice) { return bounds_of_choice(choice); },
                        [](const Text&) -> std::string { return ""; },
                        [](const TextList&) -> std::string { return ""; },
                    },
                    row.kind);
}

}  // namespace ringpost::daemon
