#include "tools/loadgen/excerpt.h"

#include <algorithm>

namespace ringpost::loadgen {

std::string excerpt(engine::Bytes bytes, std::size_t bytes_max) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "'";
  for (const char c : bytes.substr(0, bytes_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\\' && c != '\'') {
      text += c;
    } else {
      text += "\\x";
      text += digits[byte >> 4];
      text += digits[byte & 15];
    }
  }
  return text + (bytes.size() > bytes_max ? "...'" : "'");
}

std::string difference(engine::Bytes wanted, engine::Bytes got) {
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(wanted, got).in1 - wanted.begin());
  return "differs from byte " + std::to_string(at) + " on: " + excerpt(got.substr(at)) +
         " instead of " + excerpt(wanted.substr(at));
}

}  // namespace ringpost::loadgen
