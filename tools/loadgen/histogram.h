#pragma once

// Histogram: how often which latency was seen, log-linear as Gil Tene's HdrHistogram is. Values up
// to 2047 ns have a bucket each; above, every power of two has 1024 buckets. So a bucket is
// narrower than 1/1024 of its values: three significant digits over the whole range, in 261 KiB.
//
// Invariants:
//  1. count() is the sum of all buckets, below() and above().
//  2. Everything is integer addition, minimum or maximum, so merging is associative and commutative
//     bit for bit: the histograms of many shards give one result in whatever order they come.
//
// One owner at a time; nothing here is synchronized.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/clock.h"

namespace ringpost::loadgen {

using engine::Nanos;

// The buckets: which one a value belongs to, and where each begins.
struct HistogramScale {
  // What has a bucket: 100 ns to one hour, both included. What lies beyond is counted apart.
  static constexpr Nanos lowest = 100;
  static constexpr Nanos highest = 3'600 * engine::nanos_per_s;
  // Buckets per power of two. The relative width of a bucket is less than one part of these.
  static constexpr std::size_t steps = 1024;

  // Requires: value >= 0.
  static constexpr std::size_t index_of(Nanos value) {
    const auto bits = static_cast<std::uint64_t>(value);
    // The quotient is zero, and with it the shift, while every value has a bucket of its own.
    const auto shift = static_cast<std::size_t>(std::bit_width(bits / (2 * steps)));
    return shift * steps + static_cast<std::size_t>(bits >> shift);
  }
  static constexpr Nanos low_of(std::size_t index) {
    if (index < 2 * steps) return static_cast<Nanos>(index);
    const std::size_t shift = index / steps - 1;
    return static_cast<Nanos>((index - shift * steps) << shift);
  }
  static constexpr Nanos high_of(std::size_t index) { return low_of(index + 1) - 1; }
};

class Histogram {
 public:
  using Scale = HistogramScale;
  static constexpr Nanos lowest = Scale::lowest;
  static constexpr Nanos highest = Scale::highest;

  struct Bucket {
    Nanos low;   // The smallest value that it counts.
    Nanos high;  // The largest one.
    std::uint64_t count;
  };

  Histogram() : counts_(bucket_count) {}

  // Counts `value` `times` times: a read that carries several answers is one call.
  void record(Nanos value, std::uint64_t times = 1) {
    DASSERT(times > 0);
    count_ += times;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
    if (value >= lowest && value <= highest) [[likely]] {
      counts_[Scale::index_of(value)] += times;
    } else {
      (value < lowest ? below_ : above_) += times;
    }
  }

  void merge(const Histogram& other);
  void clear();
  bool operator==(const Histogram&) const = default;

  std::uint64_t count() const { return count_; }  // All values, below() and above() too.
  std::uint64_t below() const { return below_; }  // Values less than `lowest`.
  std::uint64_t above() const { return above_; }  // Values greater than `highest`.
  bool empty() const { return count_ == 0; }
  // Exact. Zero when empty.
  Nanos min() const { return empty() ? 0 : min_; }
  Nanos max() const { return empty() ? 0 : max_; }
  // From the middle of each bucket; what lies beyond the ends counts as the end. Zero when empty.
  double mean() const;
  double standard_deviation() const;

  // The value that `percentile` (0..100) of all recorded ones do not exceed: the upper edge of the
  // bucket that holds it, hence never too small, less than 0.1 % too large, and never more than
  // max(). (A value below() is shown as `lowest`, one above() as max().) Zero when empty.
  Nanos value_at(double percentile) const;
  // The same for the `rank`th smallest value. Requires: 1 <= rank <= count().
  Nanos value_at_rank(std::uint64_t rank) const;
  // How many values make up `percentile`: at least 1. Requires: !empty().
  std::uint64_t rank_of(double percentile) const;

  // Calls f(Bucket) for each bucket that holds something, ascending.
  template <typename F>
  void for_each(F&& f) const {
    for (std::size_t i = 0; i < bucket_count; ++i) {
      if (counts_[i] != 0) f(Bucket{Scale::low_of(i), Scale::high_of(i), counts_[i]});
    }
  }

  // What a file holds of a histogram: `counts` are pairs of a bucket's `low` and its count.
  struct Stored {
    std::vector<std::pair<Nanos, std::uint64_t>> counts;
    std::uint64_t below = 0;
    std::uint64_t above = 0;
    Nanos min = 0;
    Nanos max = 0;
  };
  Stored store() const;
  // None if no histogram can have stored that.
  static std::optional<Histogram> restore(const Stored& stored);

 private:
  static constexpr std::size_t bucket_count = Scale::index_of(highest) + 1;

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t below_ = 0;
  std::uint64_t above_ = 0;
  Nanos min_ = INT64_MAX;
  Nanos max_ = INT64_MIN;
};

}  // namespace ringpost::loadgen
