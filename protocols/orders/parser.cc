#include "protocols/orders/parser.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include "protocols/orders/amount.h"
#include "protocols/orders/format.h"

namespace ringpost::orders {

namespace {

static_assert(std::endian::native == std::endian::little, "the first byte must be the lowest");

Command get() { return {CommandKind::get, {}, 0, {}}; }
Command buy(float amount, Bytes ticker) { return {CommandKind::buy, {}, amount, ticker}; }
Command error(Errc errc) { return {CommandKind::error, errc, 0, {}}; }

// Bytes of a ticker that need no second look: printable ASCII but the separator.
bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != field_separator; }

// The length of the run of plain bytes at the front of `text`.
std::size_t plain_run(Bytes text) {
  constexpr std::uint64_t ones = 0x0101010101010101u;
  constexpr std::uint64_t tops = 0x80 * ones;
  std::size_t at = 0;
  for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t bytes;
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    const std::uint64_t separators = bytes ^ ones * field_separator;
    // Marks the top bit of every byte below 20, above 7E, or equal to the separator. A carry or
    // borrow may mark bytes above one that is marked rightly, so the lowest mark is right.
    const std::uint64_t marks =
        (bytes | (bytes - 0x20 * ones) | (bytes + ones) | (separators - ones)) & tops;
    if (marks != 0) return at + static_cast<std::size_t>(std::countr_zero(marks)) / 8;
  }
  while (at < text.size() && is_plain(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

// The length of the UTF-8 sequence that `text` starts with (Unicode table 3-7); 0 if there is none.
std::size_t utf8_sequence(Bytes text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes > text.size()) return 0;
  // The second byte's range keeps out overlong forms, surrogates and what is above 10FFFF.
  const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < bytes; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  return bytes;
}

bool is_good_ticker(Bytes ticker) {
  if (ticker.empty() || ticker.size() > ticker_bytes_max) return false;
  while (!ticker.empty()) {
    const auto first = static_cast<unsigned char>(ticker.front());
    const std::size_t bytes = utf8_sequence(ticker);
    if (bytes == 0 || first < 0x20 || first == 0x7f) return false;
    ticker.remove_prefix(bytes);
  }
  return true;
}

// `text` is the rest of the line behind the amount, and its first field is the ticker.
Command parse_ticker(float amount, Bytes text) {
  const std::size_t plain = plain_run(text);
  if (plain == text.size() || text[plain] == field_separator) [[likely]] {
    if (plain == 0 || plain > ticker_bytes_max) return error(Errc::bad_ticker);
    return buy(amount, text.substr(0, plain));
  }
  const Bytes ticker = text.substr(0, text.find(field_separator));
  return is_good_ticker(ticker) ? buy(amount, ticker) : error(Errc::bad_ticker);
}

// `text` is the rest of the line behind `BUY;`.
Command parse_buy(Bytes text) {
  const PlainDecimal plain = read_plain_decimal(text);
  if (plain.bytes != 0 && plain.bytes < text.size() && text[plain.bytes] == field_separator)
      [[likely]] {
    if (plain.value > 0) [[likely]]
      return parse_ticker(plain.value, text.substr(plain.bytes + 1));
    return error(Errc::bad_amount);
  }
  const std::size_t end = text.find(field_separator);
  if (end == Bytes::npos) return error(Errc::missing_field);
  const std::optional<float> amount = parse_amount(text.substr(0, end));
  return amount ? parse_ticker(*amount, text.substr(end + 1)) : error(Errc::bad_amount);
}

// Whether the first field of `line` is `name`.
bool names(Bytes line, Bytes name) {
  return line.starts_with(name) &&
         (line.size() == name.size() || line[name.size()] == field_separator);
}

}  // namespace

Command parse(Bytes line) {
  if (names(line, command_buy)) {
    if (line.size() == command_buy.size()) return error(Errc::missing_field);
    return parse_buy(line.substr(command_buy.size() + 1));
  }
  return names(line, command_get) ? get() : error(Errc::unknown_command);
}

}  // namespace ringpost::orders
