#pragma once

// What can be wrong with a client's line. Each is answered by one error line, in request order.

#include <cstddef>
#include <cstdint>

namespace ringpost::orders {

enum class Errc : std::uint8_t {
  // The first field is neither BUY nor GET, in exact case (OB-20).
  unknown_command,
  // A BUY with fewer than three fields (OB-21).
  missing_field,
  // The amount is not a number, not finite, or not above zero (OB-22 to OB-26).
  bad_amount,
  // The ticker is empty, too long, not UTF-8, or holds a control byte (OB-27, OB-28).
  bad_ticker,
  // The line passed the limit; all of it is dropped (OB-30).
  line_too_long,
  // The book holds as many distinct tickers as it may (OB-31).
  too_many_tickers,
};

inline constexpr std::size_t errc_count = 6;

}  // namespace ringpost::orders
