#pragma once

// Ramp: which rate to try next when the highest one is looked for that keeps a bound: doubled until
// one does not, then halving the gap between the highest that held and the lowest that did not.

#include <cstdint>
#include <optional>

namespace ringpost::loadgen {

class Ramp {
 public:
  // Ends when the gap is less than this part of the rate.
  static constexpr double gap_part = 0.05;
  static constexpr double rate_max = 1e9;

  explicit Ramp(double first_per_s) : next_(first_per_s) {}

  // None: it is found, or there is none.
  std::optional<double> next() const {
    if (!highest_held_) return next_ < 1 ? std::nullopt : std::optional(next_);
    if (next_ > rate_max) return std::nullopt;
    if (lowest_broken_ && *lowest_broken_ - *highest_held_ < *highest_held_ * gap_part) {
      return std::nullopt;
    }
    return next_;
  }

  // What came of the rate that `next` named.
  void tried(bool held) {
    (held ? highest_held_ : lowest_broken_) = next_;
    if (highest_held_ && lowest_broken_) {
      next_ = (*highest_held_ + *lowest_broken_) / 2;
    } else {
      next_ = held ? next_ * 2 : next_ / 2;
    }
  }

  std::optional<double> highest_held() const { return highest_held_; }

 private:
  double next_;
  std::optional<double> highest_held_;
  std::optional<double> lowest_broken_;
};

}  // namespace ringpost::loadgen
