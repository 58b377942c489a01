#include "tools/loadgen/report/outputs.h"

#include "tools/loadgen/report/csv.h"
#include "tools/loadgen/report/hgrm.h"
#include "tools/loadgen/report/html.h"
#include "tools/loadgen/report/json.h"

namespace ringpost::loadgen {

engine::Result<Outputs, std::string> Outputs::open(const OutputPaths& paths) {
  const std::pair<const std::string&, Render> wanted[] = {
      {paths.json, to_json},
      {paths.csv, to_csv},
      {paths.html, to_html},
      {paths.hgrm, [](const RunResult& run) { return to_hgrm(run.latency); }},
  };
  Outputs outputs;
  for (const auto& [path, render] : wanted) {
    if (path.empty()) continue;
    auto file = OutputFile::open(path);
    if (!file) return engine::Unexpected{file.error()};
    outputs.files_.emplace_back(std::move(*file), render);
  }
  return outputs;
}

std::optional<std::string> Outputs::write(const RunResult& run) {
  for (auto& [file, render] : files_) {
    if (auto error = file.write(render(run))) return error;
  }
  for (auto& [file, render] : files_) {
    if (auto error = file.publish()) return error;
  }
  return std::nullopt;
}

}  // namespace ringpost::loadgen
