#include "tools/options/units.h"

#include <charconv>
#include <limits>
#include <span>

#include "engine/base/assert.h"

namespace ringpost::tools {

namespace {

using engine::Nanos;
using engine::Result;
using engine::Unexpected;

struct Suffix {
  std::string_view text;
  std::uint64_t factor;
};

constexpr std::uint64_t kilo = 1'000, mega = 1'000'000, giga = 1'000'000'000;
constexpr std::uint64_t kibi = 1 << 10, mebi = 1 << 20, gibi = 1 << 30;

constexpr Suffix count_suffixes[] = {{"", 1},      {"k", kilo},  {"M", mega}, {"G", giga},
                                     {"Ki", kibi}, {"Mi", mebi}, {"Gi", gibi}};
constexpr Suffix bytes_suffixes[] = {{"", 1},      {"B", 1},      {"k", kilo},  {"kB", kilo},
                                     {"M", mega},  {"MB", mega},  {"G", giga},  {"GB", giga},
                                     {"Ki", kibi}, {"KiB", kibi}, {"Mi", mebi}, {"MiB", mebi},
                                     {"Gi", gibi}, {"GiB", gibi}};
constexpr std::uint64_t second = static_cast<std::uint64_t>(engine::nanos_per_s);
constexpr Suffix duration_suffixes[] = {{"ns", 1},     {"us", kilo},       {"ms", mega},
                                        {"s", second}, {"m", 60 * second}, {"h", 3600 * second}};

Result<std::uint64_t, NumberError> parse_suffixed(std::string_view text,
                                                  std::span<const Suffix> suffixes) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::invalid_argument) return Unexpected{NumberError::malformed};
  const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  for (const Suffix& suffix : suffixes) {
    if (rest != suffix.text) continue;
    std::uint64_t value = 0;
    if (error == std::errc::result_out_of_range ||
        __builtin_mul_overflow(number, suffix.factor, &value)) {
      return Unexpected{NumberError::out_of_range};
    }
    return value;
  }
  return Unexpected{NumberError::malformed};
}

// The largest unit of `units` (ascending) that divides `value`, so that nothing is rounded.
std::string show_suffixed(std::uint64_t value, std::span<const Suffix> units) {
  const Suffix* best = &units.front();
  for (const Suffix& unit : units) {
    if (value != 0 && value % unit.factor == 0) best = &unit;
  }
  return std::to_string(value / best->factor) + std::string(best->text);
}

}  // namespace

Result<std::uint64_t, NumberError> parse_count(std::string_view text) {
  return parse_suffixed(text, count_suffixes);
}

Result<std::uint64_t, NumberError> parse_bytes(std::string_view text) {
  return parse_suffixed(text, bytes_suffixes);
}

Result<Nanos, NumberError> parse_duration(std::string_view text, Nanos bare) {
  ASSERT(bare > 0);
  Result<std::uint64_t, NumberError> value = parse_suffixed(text, duration_suffixes);
  if (!value && value.error() == NumberError::malformed) {
    const Suffix none[] = {{"", static_cast<std::uint64_t>(bare)}};
    value = parse_suffixed(text, none);
  }
  if (!value) return Unexpected{value.error()};
  if (*value > static_cast<std::uint64_t>(std::numeric_limits<Nanos>::max())) {
    return Unexpected{NumberError::out_of_range};
  }
  return static_cast<Nanos>(*value);
}

std::string show_count(std::uint64_t count) { return std::to_string(count); }

std::string show_bytes(std::uint64_t bytes) {
  constexpr Suffix units[] = {{"B", 1}, {"KiB", kibi}, {"MiB", mebi}, {"GiB", gibi}};
  return show_suffixed(bytes, units);
}

std::string show_duration(Nanos length) {
  ASSERT(length >= 0);
  if (length == 0) return "0s";
  return show_suffixed(static_cast<std::uint64_t>(length), duration_suffixes);
}

}  // namespace ringpost::tools
