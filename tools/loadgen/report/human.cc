#include "tools/loadgen/report/human.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace ringpost::loadgen {

namespace {

struct Unit {
  double size;
  const char* name;
};

// In the largest unit of `units` (ascending) that leaves at least one before the point.
std::string scaled(double value, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    // What would be shown as 1000 of a unit is one of the next.
    if (std::abs(value) >= unit.size * 0.9995) best = &unit;
  }
  // What is counted singly has no point: 64 B, not 64.0 B.
  if (best == &units.front() && value == std::floor(value)) {
    return fmt::format("{:.0f}{}", value, best->name);
  }
  return three_digits(value / best->size) + best->name;
}

// How many bytes the well-formed UTF-8 sequence at the start of `text` has; zero if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = byte(0) < 0x80   ? 1
                             : byte(0) < 0xc2 ? 0  // goes on, or could be shorter
                             : byte(0) < 0xe0 ? 2
                             : byte(0) < 0xf0 ? 3
                             : byte(0) < 0xf5 ? 4
                                              : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (length < 3) return length;
  // Forms that could be shorter, surrogates, and what lies beyond Unicode.
  const int start = byte(0) << 8 | byte(1);
  if (start < 0xe0a0 || (start >= 0xeda0 && start < 0xee00)) return 0;
  if ((start >= 0xf000 && start < 0xf090) || start >= 0xf490) return 0;
  return length;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;  // C1
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    if (length == 0 || is_control(character)) {
      for (const char c : character) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
  }
  return out;
}

std::string three_digits(double value) {
  const double size = std::abs(value);
  if (size >= 99.95) return fmt::format("{:.0f}", value);
  if (size >= 9.995) return fmt::format("{:.1f}", value);
  if (size >= 0.9995) return fmt::format("{:.2f}", value);
  if (size == 0) return "0";
  return fmt::format("{:.3f}", value);
}

std::string human_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string human_rate(double per_s) {
  constexpr Unit units[] = {{1, " /s"}, {1e3, " k/s"}, {1e6, " M/s"}, {1e9, " G/s"}};
  return scaled(per_s, units);
}

std::string human_time(engine::Nanos nanos) {
  constexpr Unit units[] = {{1, " ns"}, {1e3, " us"}, {1e6, " ms"}, {1e9, " s"}, {60e9, " min"}};
  return scaled(static_cast<double>(nanos), units);
}

std::string human_bytes(double bytes) {
  constexpr Unit units[] = {{1, " B"}, {0x1p10, " KiB"}, {0x1p20, " MiB"}, {0x1p30, " GiB"}};
  return scaled(bytes, units);
}

std::string human_percent(double share) { return three_digits(share * 100) + " %"; }

}  // namespace ringpost::loadgen
