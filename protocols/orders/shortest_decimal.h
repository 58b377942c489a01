#pragma once

// The shortest decimal that reads back to a given binary32, by the method of Raffaello Giulietti,
// "The Schubfach way to render doubles" (2020), with the constants for binary32. It answers in a
// third of the time of std::to_chars, and what an order book spends on a GET is mostly this.

#include <cstdint>

namespace ringpost::orders {

// digits * 10^exponent. At most 9 digits; the last ones may be zeros.
struct ShortestDecimal {
  std::uint32_t digits;
  int exponent;
};

// Of the decimals that read back to `value` (nearest, ties to even) one with the fewest digits, and
// of those the nearest. Requires: value is finite and above zero.
ShortestDecimal shortest_decimal(float value);

}  // namespace ringpost::orders
