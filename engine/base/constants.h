#pragma once

// Sizes that more than one layer relies on.

#include <cstddef>

namespace ringpost::engine {

// One cache line on x86-64 and on the arm64 server cores. Our own constant, because g++ 12 defines
// std::hardware_destructive_interference_size and clang 14 does not, and layouts must not differ.
inline constexpr std::size_t cache_line_size = 64;

}  // namespace ringpost::engine
