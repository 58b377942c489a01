#pragma once

// The times of single requests, all of them kept: exact percentiles need no buckets.

#include <cstdint>
#include <string>
#include <vector>

#include "perf/client/options.h"

namespace ringpost::perf {

class Latencies {
 public:
  // Room for a million a second, so that adding one does not allocate on the way.
  explicit Latencies(const Options& options) {
    samples_.reserve(static_cast<std::size_t>(options.seconds * 1e6));
  }

  void add(std::int64_t ns) { samples_.push_back(ns); }

  // The sample with that share of all in front of it. Ends the program if there is none.
  double percentile(double share);
  std::string json();  // `p50_ns`, `p99_ns` and `p999_ns`, as fields of a run's line.

 private:
  std::vector<std::int64_t> samples_;
};

}  // namespace ringpost::perf
