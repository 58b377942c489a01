#pragma once

// StatusCounts: replies by their HTTP status.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/base/assert.h"

namespace ringpost::loadgen {

class StatusCounts {
 public:
  static constexpr std::uint16_t status_min = 100, status_max = 599;

  // Requires: status_min <= status <= status_max.
  void add(std::uint16_t status, std::uint64_t count) { counts_[place(status)] += count; }
  void merge(const StatusCounts& more) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += more.counts_[i];
  }
  std::uint64_t count(std::uint16_t status) const { return counts_[place(status)]; }
  // Of a class: 2 for 200 to 299.
  std::uint64_t of_class(unsigned hundreds) const {
    std::uint64_t sum = 0;
    for_each([&](std::uint16_t status, std::uint64_t count) {
      if (status / 100u == hundreds) sum += count;
    });
    return sum;
  }
  bool empty() const {
    return std::ranges::all_of(counts_, [](std::uint64_t count) { return count == 0; });
  }
  // Calls `visit` with each status that came and its count, in ascending order.
  void for_each(auto&& visit) const {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] != 0) visit(static_cast<std::uint16_t>(status_min + i), counts_[i]);
    }
  }

 private:
  static std::size_t place(std::uint16_t status) {
    DASSERT(status >= status_min && status <= status_max);
    return status - std::size_t{status_min};
  }

  std::array<std::uint64_t, status_max - status_min + 1> counts_{};
};

}  // namespace ringpost::loadgen
