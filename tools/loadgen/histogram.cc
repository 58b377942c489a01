#include "tools/loadgen/histogram.h"

#include <cmath>
#include <limits>

namespace ringpost::loadgen {

static_assert(HistogramScale::index_of(2047) == 2047 && HistogramScale::index_of(2048) == 2048,
              "the first two powers of two of the steps are linear");
static_assert(HistogramScale::low_of(2049) == 2050 && HistogramScale::high_of(2049) == 2051,
              "from there on the buckets double in width with every 1024 of them");

namespace {

// Calls f(value, count) for everything recorded, each bucket by its middle.
template <typename F>
void for_each_middle(const Histogram& histogram, F&& f) {
  if (histogram.below() != 0) f(double{Histogram::lowest}, double(histogram.below()));
  histogram.for_each([&](const Histogram::Bucket& bucket) {
    f(double(bucket.low + bucket.high) / 2, double(bucket.count));
  });
  if (histogram.above() != 0) f(double{Histogram::highest}, double(histogram.above()));
}

}  // namespace

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < bucket_count; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  below_ += other.below_;
  above_ += other.above_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void Histogram::clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = below_ = above_ = 0;
  min_ = INT64_MAX;
  max_ = INT64_MIN;
}

double Histogram::mean() const {
  if (empty()) return 0;
  double sum = 0;
  for_each_middle(*this, [&](double value, double times) { sum += value * times; });
  return sum / double(count_);
}

double Histogram::standard_deviation() const {
  if (empty()) return 0;
  const double middle = mean();
  double sum = 0;
  for_each_middle(*this, [&](double value, double times) {
    sum += (value - middle) * (value - middle) * times;
  });
  return std::sqrt(sum / double(count_));
}

std::uint64_t Histogram::rank_of(double percentile) const {
  DASSERT(!empty());
  // 99.9 is no double; the one next to it is greater, and would ask for one value too many of 1000.
  const double less = std::nextafter(std::clamp(percentile, 0.0, 100.0), 0.0);
  const double rank = std::ceil(less / 100 * double(count_));
  return std::clamp(static_cast<std::uint64_t>(rank), std::uint64_t{1}, count_);
}

Nanos Histogram::value_at(double percentile) const {
  return empty() ? 0 : value_at_rank(rank_of(percentile));
}

Nanos Histogram::value_at_rank(std::uint64_t rank) const {
  ASSERT(rank >= 1 && rank <= count_);
  std::uint64_t seen = below_;
  if (rank <= seen) return lowest;
  for (std::size_t i = 0; i < bucket_count; ++i) {
    seen += counts_[i];
    if (rank <= seen) return std::min(Scale::high_of(i), max_);
  }
  return max_;
}

Histogram::Stored Histogram::store() const {
  Stored stored{{}, below_, above_, min(), max()};
  for_each([&](const Bucket& bucket) { stored.counts.emplace_back(bucket.low, bucket.count); });
  return stored;
}

std::optional<Histogram> Histogram::restore(const Stored& stored) {
  Histogram histogram;
  histogram.below_ = stored.below;
  histogram.above_ = stored.above;
  bool overflow = __builtin_add_overflow(stored.below, stored.above, &histogram.count_);
  Nanos before = 0;
  for (const auto& [low, count] : stored.counts) {
    if (low <= before || low > highest || count == 0) return std::nullopt;
    const std::size_t index = Scale::index_of(low);
    if (Scale::low_of(index) != low) return std::nullopt;
    histogram.counts_[index] = count;
    overflow |= __builtin_add_overflow(histogram.count_, count, &histogram.count_);
    before = low;
  }
  if (overflow || stored.min > stored.max) return std::nullopt;
  if (histogram.empty()) return histogram;
  histogram.min_ = stored.min;
  histogram.max_ = stored.max;
  return histogram;
}

}  // namespace ringpost::loadgen
