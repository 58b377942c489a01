#pragma once

// How much work a stress test does: RINGPOST_STRESS=<factor> in the environment multiplies the
// counts, which are small enough for TSan on two busy cores without it.

#include <cstdint>
#include <cstdlib>

namespace ringpost::engine {

inline std::uint64_t stress_count(std::uint64_t base) {
  const char* factor = std::getenv("RINGPOST_STRESS");
  return factor == nullptr ? base : base * std::strtoull(factor, nullptr, 10);
}

}  // namespace ringpost::engine
