#pragma once

// The wire of the order book: lines in, lines out.
//
//   BUY;AMOUNT;TICKER LF    no answer (OB-5)
//   GET LF                  TICKER ": " AMOUNT ";" for each ticker, then LF (OB-6)
//   anything else           "ERR " text LF (section 3.4)
//
// Fields after the last one needed are ignored (OB-4).

#include <cstddef>

#include "engine/base/bytes.h"

namespace ringpost::orders {

using engine::Bytes;

inline constexpr char field_separator = ';';
inline constexpr Bytes command_buy = "BUY";
inline constexpr Bytes command_get = "GET";

// The longest ticker that a BUY may name (OB-28). A property of the wire, not an option.
inline constexpr std::size_t ticker_bytes_max = 64;

// Defaults of the options.
inline constexpr std::size_t line_bytes_max_default = 4096;  // OB-30
inline constexpr std::size_t tickers_max_default = 65'536;   // OB-31
inline constexpr float cap_default = 20.0f;                  // OB-9

}  // namespace ringpost::orders
