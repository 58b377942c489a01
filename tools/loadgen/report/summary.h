#pragma once

// Summary: the twelve figures of a run that everything else is judged by. The JSON's object
// `summary` has exactly these names, and `compare` reads them back.

#include <cstdint>
#include <optional>

#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

struct Summary {
  double rate_per_s = 0;              // replies; for fan-out, deliveries
  std::optional<double> asked_per_s;  // none in a closed loop
  std::uint64_t late = 0;
  std::uint64_t dropped = 0;
  std::uint64_t errors = 0;
  std::uint64_t mismatches = 0;
  // None if there was no reply.
  std::optional<double> p50_us, p90_us, p95_us, p99_us, p999_us, max_us;
};

Summary summarize(const RunResult& run);

}  // namespace ringpost::loadgen
