#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include "engine/base/prng.h"

namespace ringpost::loadgen {

// `count` values about `middle` with a relative standard deviation of `spread`.
inline std::vector<double> normal_values(engine::Prng& random, int count, double middle,
                                         double spread) {
  const auto uniform = [&] { return double(random.below(1u << 30) + 1) / double(1u << 30); };
  std::vector<double> values;
  for (int i = 0; i < count; ++i) {
    const double z =
        std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
    values.push_back(middle * (1 + spread * z));
  }
  return values;
}

}  // namespace ringpost::loadgen
