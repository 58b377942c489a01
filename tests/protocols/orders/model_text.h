#pragma once

// How an amount is written, by the plainest means there are.

#include <charconv>
#include <cstdlib>
#include <string>

namespace ringpost::orders {

// The standard library's shortest digits, placed without an exponent, letter by letter.
inline std::string model_text(float value) {
  char scientific[64];
  const char* const end =
      std::to_chars(scientific, scientific + 64, value, std::chars_format::scientific).ptr;
  std::string digits;
  int exponent = 0;
  for (const char* p = scientific; p != end; ++p) {
    if (*p == 'e') {
      exponent = std::atoi(std::string(p + 1, end).c_str());
      break;
    }
    if (*p != '.') digits += *p;
  }
  const int point = exponent + 1;
  if (point <= 0) return "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  while (static_cast<int>(digits.size()) < point) digits += '0';
  if (static_cast<int>(digits.size()) > point) digits.insert(static_cast<std::size_t>(point), ".");
  return digits;
}

}  // namespace ringpost::orders
