#pragma once

// Commands in words, by the parser and by a second one of the plainest means there are: split,
// spell out the grammar, strtof, decode.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocols/orders/amount.h"
#include "protocols/orders/parser.h"
#include "protocols/orders/writer.h"

namespace ringpost::orders {

// In a heap block of exactly its size, so that a sanitizer sees any read outside of it.
struct Line {
  explicit Line(const std::string& text) : bytes(text.size()), block(new char[text.size()]) {
    std::copy(text.begin(), text.end(), block.get());
  }
  Command parse() const { return orders::parse(Bytes(block.get(), bytes)); }
  std::size_t bytes;
  std::unique_ptr<char[]> block;
};

// A command in words: what it is, or its error line without the LF.
inline std::string told(const std::string& text) {
  const Line line(text);
  const Command c = line.parse();
  switch (c.kind) {
    case CommandKind::get:
      return "GET";
    case CommandKind::buy: {
      char amount[amount_bytes_max];
      return "BUY " + std::string(amount, format_amount(c.amount, amount)) + " " +
             std::string(c.ticker);
    }
    case CommandKind::error: {
      std::string error(error_line(c.errc));
      error.pop_back();
      return error;
    }
  }
  return "?";
}

inline const std::string unknown_command = "ERR unknown command";
inline const std::string missing_field = "ERR missing field";
inline const std::string bad_amount = "ERR bad amount";
inline const std::string bad_ticker = "ERR bad ticker";

// [+] digits [. digits] [e [sign] digits], with a digit somewhere before the e (OB-13), finite and
// above zero.
inline std::optional<float> model_amount(const std::string& text) {
  std::size_t at = 0;
  const auto peek = [&](const char* set) {
    return at < text.size() && text[at] != 0 &&
           std::string(set).find(text[at]) != std::string::npos;
  };
  const auto digits = [&] {
    std::size_t count = 0;
    for (; peek("0123456789"); ++at) ++count;
    return count;
  };
  if (peek("+")) ++at;
  std::size_t count = digits();
  if (peek(".")) {
    ++at;
    count += digits();
  }
  if (count == 0) return std::nullopt;
  if (peek("eE")) {
    ++at;
    if (peek("+-")) ++at;
    if (digits() == 0) return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  const float amount = std::strtof(text.c_str(), nullptr);
  if (!std::isfinite(amount) || amount <= 0) return std::nullopt;
  return amount;
}

// Decodes code point by code point, and looks at each number afterwards.
inline bool model_is_good_ticker(const std::string& ticker) {
  if (ticker.empty() || ticker.size() > 64) return false;
  for (std::size_t at = 0; at < ticker.size();) {
    const auto first = static_cast<std::uint8_t>(ticker[at++]);
    int more = 0;
    std::uint32_t point = first;
    if (first >= 0x80) {
      if (first >= 0xf8 || first < 0xc0) return false;
      more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
      point = first & (0x3fu >> more);
    }
    for (int i = 0; i < more; ++i) {
      if (at == ticker.size()) return false;
      const auto next = static_cast<std::uint8_t>(ticker[at++]);
      if (next >> 6 != 2) return false;
      point = point << 6 | (next & 0x3fu);
    }
    const std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (point < least[more] || point > 0x10ffff) return false;
    if (point >= 0xd800 && point < 0xe000) return false;
    if (point < 0x20 || point == 0x7f) return false;
  }
  return true;
}

inline std::string model_told(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == ';')
      fields.emplace_back();
    else
      fields.back() += c;
  }
  if (fields[0] == "GET") return "GET";
  if (fields[0] != "BUY") return unknown_command;
  if (fields.size() < 3) return missing_field;
  const std::optional<float> amount = model_amount(fields[1]);
  if (!amount) return bad_amount;
  if (!model_is_good_ticker(fields[2])) return bad_ticker;
  char text[amount_bytes_max];
  return "BUY " + std::string(text, format_amount(*amount, text)) + " " + fields[2];
}

}  // namespace ringpost::orders
