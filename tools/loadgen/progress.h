#pragma once

// Progress: what is shown while a run goes on: on a terminal one line that changes, else a line a
// second. Goes to standard error, so that standard output has the result alone.

#include <cstdio>
#include <string>

#include "engine/base/clock.h"
#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

class Progress {
 public:
  enum class Style { none, lines, terminal };

  Progress(std::FILE* stream, Style style) : stream_(stream), style_(style) {}

  // Requests begin. `duration` may be `engine::never`.
  void begin(Nanos warmup, Nanos duration);
  void row(const Second& row);
  // Nothing more comes; what is printed next begins on a line of its own.
  void end();

 private:
  std::FILE* stream_;
  Style style_;
  Nanos total_ = engine::never;  // warm-up and measured period
  bool line_open_ = false;
};

}  // namespace ringpost::loadgen
