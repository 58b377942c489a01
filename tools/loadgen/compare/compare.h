#pragma once

// `ringpost-load compare`: two groups of stored results, before and after a change.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "tools/loadgen/compare/judge.h"
#include "tools/loadgen/compare/stored_run.h"

namespace ringpost::loadgen {

// The exit codes, of `compare` alone.
enum CompareExit : int {
  compare_same = 0,         // or better
  compare_worse = 1,        // by more than the threshold, in one figure at least
  compare_cannot_tell = 2,  // the runs differ too much among themselves, or are too few
  compare_failed = 3,       // wrong options, or a file that cannot be read
};

// What is compared of a group: a value a run or, where a group has fewer than three runs, one a
// stretch of seconds.
struct Sample {
  std::vector<double> rate_per_s;
  std::vector<double> p99_us;  // empty if nothing was measured
};

struct Comparison {
  Sample a, b;
  bool by_seconds = false;
  Finding rate;
  Finding p99;
  bool has_p99 = false;
  std::vector<std::string> warnings;

  Verdict verdict() const;
};

struct CompareOptions {
  JudgeOptions judge;
  double p99_threshold = 0;  // zero: that of `judge`
};

// The error is one line for people. Requires: both groups have runs.
engine::Result<Comparison, std::string> compare_runs(const std::vector<StoredRun>& a,
                                                     const std::vector<StoredRun>& b,
                                                     const CompareOptions& options);

// Everything: reads the command line behind the word `compare` (argv[0] is that word), prints to
// standard output and error, and returns the exit code.
int run_compare(int argc, const char* const* argv);

}  // namespace ringpost::loadgen
