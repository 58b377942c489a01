#pragma once

// Units: how people write numbers on a command line, and how we write them back.
//
//   count     10  10k  2M                        k, M, G: powers of 1000; Ki, Mi, Gi: of 1024
//   bytes     4096  64KiB  1M  20MB              the same, and an optional B
//   duration  500ms  10s  5m                     ns, us, ms, s, m, h; a bare number has the unit
//                                                that its option names
//
// Whole numbers only: 1.5s is written 1500ms. What `show_*` returns reads back to the same value.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/result.h"

namespace ringpost::tools {

enum class NumberError : std::uint8_t {
  malformed,     // no digits, or something that is not one of the unit's suffixes behind them
  out_of_range,  // larger than 64 bits (durations: 63) hold
};

engine::Result<std::uint64_t, NumberError> parse_count(std::string_view text);
engine::Result<std::uint64_t, NumberError> parse_bytes(std::string_view text);
// `bare` is the length of the unit that a number without a suffix counts.
engine::Result<engine::Nanos, NumberError> parse_duration(std::string_view text,
                                                          engine::Nanos bare);

std::string show_count(std::uint64_t count);
std::string show_bytes(std::uint64_t bytes);      // 4KiB, 4097B
std::string show_duration(engine::Nanos length);  // 30s, 1500ms, 0s. Requires: length >= 0.

}  // namespace ringpost::tools
