#pragma once

// Amounts are IEEE binary32, on the wire in decimal.
//
// Reading follows the tutorial's float syntax (OB-13), which is std::from_chars' with a leading `+`
// allowed, and keeps what a BUY may carry: finite and above zero (OB-23 to OB-26). Every result is
// the binary32 nearest to the decimal, ties to even.
//
// Writing gives the shortest decimal that reads back to the same binary32, without an exponent
// (OB-12).

#include <cstddef>
#include <optional>

#include "engine/base/bytes.h"

namespace ringpost::orders {

using engine::Bytes;

// A decimal read from the front of a text.
struct PlainDecimal {
  float value;
  std::size_t bytes;  // how many bytes it took; 0 if the text does not start with one
};

// Reads the decimals that need no care: few digits with at most one point among or beside them. It
// takes all digits and points there are, or says 0: then parse_amount decides.
PlainDecimal read_plain_decimal(Bytes text);

// The amount that `field` spells as a whole; nothing if it is malformed, not finite or not above 0.
std::optional<float> parse_amount(Bytes field);

// The longest text of any binary32. Binary32 values are multiples of 2^-149, which is above 1e-45,
// so 45 decimals always suffice, and only values below 1 need more than 8 of them: sign, "0." and
// 45 decimals. The largest values take a sign and 39 digits.
inline constexpr std::size_t amount_bytes_max = 48;

// Writes `amount` to `out`, which has room for amount_bytes_max bytes, and returns how many bytes
// it took. Not a number and the infinities come out as `NaN`, `inf` and `-inf`.
std::size_t format_amount(float amount, char* out);

}  // namespace ringpost::orders
