#pragma once

// Outputs: the files that a run was asked for. Opened before the run, written after it: all of them
// or none.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "tools/loadgen/report/output_file.h"
#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

// Empty: not asked for. "-" is standard output.
struct OutputPaths {
  std::string json;
  std::string csv;
  std::string html;
  std::string hgrm;
};

class Outputs {
 public:
  // The error is one line for people.
  static engine::Result<Outputs, std::string> open(const OutputPaths& paths);
  // None, or an error as above. Requires: called once.
  std::optional<std::string> write(const RunResult& run);

 private:
  using Render = std::string (*)(const RunResult&);

  std::vector<std::pair<OutputFile, Render>> files_;
};

}  // namespace ringpost::loadgen
