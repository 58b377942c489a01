#include "protocols/chat/parser.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "protocols/chat/format.h"

namespace ringpost::chat {

namespace {

constexpr std::uint64_t ones = 0x0101010101010101u;
constexpr std::uint64_t tops = 0x80 * ones;
constexpr std::uint64_t sevens = 0x7f * ones;

// Marks the top bit of the control bytes among eight, and of no others: every sum stays inside its
// byte because the top bits are masked out before it.
std::uint64_t control_marks(std::uint64_t bytes) {
  const std::uint64_t low = bytes & sevens;
  const std::uint64_t above_1f = low + 0x60 * ones;
  const std::uint64_t not_09 = (low ^ 0x09 * ones) + sevens;
  const std::uint64_t is_7f = low + ones;
  return ((~above_1f & not_09) | is_7f) & ~bytes & tops;
}

std::uint64_t load(const char* p) {
  std::uint64_t bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  return bytes;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != 0x09) || byte == 0x7f;
}

bool has_control(Bytes text) {
  constexpr std::size_t word = sizeof(std::uint64_t);
  constexpr std::size_t block = 64;
  const char* p = text.data();
  std::size_t left = text.size();
  if (left < word) {
    for (const char c : text)
      if (is_control(c)) return true;
    return false;
  }
  for (; left >= block; p += block, left -= block) {
    std::uint64_t marks = 0;
    for (std::size_t at = 0; at < block; at += word) marks |= control_marks(load(p + at));
    if (marks != 0) return true;
  }
  std::uint64_t marks = 0;
  for (; left >= word; p += word, left -= word) marks |= control_marks(load(p));
  // The last bytes once more, together with some before them.
  marks |= control_marks(load(p + left - word));
  return marks != 0;
}

}  // namespace

std::optional<Errc> check_nick(Bytes line) {
  const bool good = !line.empty() && line.size() <= nick_bytes_max && line.front() != error_mark &&
                    !has_control(line);
  return good ? std::nullopt : std::optional(Errc::bad_nick);
}

std::optional<Errc> check_message(Bytes line) {
  return has_control(line) ? std::optional(Errc::bad_character) : std::nullopt;
}

}  // namespace ringpost::chat
