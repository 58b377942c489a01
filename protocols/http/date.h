#pragma once

// The Date field's value (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`, 29 bytes.

#include <array>
#include <cstdint>

#include "engine/base/bytes.h"

namespace ringpost::http {

inline constexpr std::size_t date_bytes = 29;

// The text of the second last asked for; asking for the same one again costs a comparison.
class Date {
 public:
  // `unix_s`: seconds since 1970, in UTC; up to the year 9999.
  engine::Bytes at(std::int64_t unix_s);

 private:
  std::int64_t unix_s_ = -1;
  std::array<char, date_bytes> text_;
};

}  // namespace ringpost::http
