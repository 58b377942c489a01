#pragma once

// What `compare` reads of a result's JSON.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace ringpost::loadgen {

// The figures that are judged. p99_us may be missing: nothing was answered.
struct Figures {
  double rate_per_s = 0;
  std::optional<double> p99_us;
};

struct StoredRun {
  std::string path;
  Figures whole;
  std::vector<Figures> seconds;  // of the measured period, whole seconds only
  std::uint64_t failures = 0;    // errors and mismatches
  // What two runs must share to be comparable, by name, as text.
  std::vector<std::pair<std::string, std::string>> conditions;
};

// The error is one line for people that names the file.
engine::Result<StoredRun, std::string> read_run(const std::string& path);

}  // namespace ringpost::loadgen
