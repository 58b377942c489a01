#pragma once

// Numbers as people read them: three to four significant digits and a unit. Files for programs have
// the exact values instead.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/clock.h"

namespace ringpost::loadgen {

std::string human_count(std::uint64_t count);  // 34,200,123
std::string human_rate(double per_s);          // 3.42 M/s, 812 /s
std::string human_time(engine::Nanos nanos);   // 812 ns, 12.3 us, 1.25 ms, 10.0 s, 2.50 min
std::string human_bytes(double bytes);         // 64 B, 1.50 KiB, 208 MiB
std::string human_percent(double share);       // 0.3 -> 30.0 %

// `text` without what would steer a terminal or is no text: control characters and wrong UTF-8
// become \xNN. For what a peer sent or somebody typed.
std::string printable(std::string_view text);

// `value` with three significant digits, but all those before the point: 0.123, 1.23, 12.3, 1230.
std::string three_digits(double value);

}  // namespace ringpost::loadgen
