#include "tools/loadgen/summary.h"

#include "tools/loadgen/progress.h"

namespace ringpost::loadgen {

namespace {

std::string row(std::string_view name, const std::string& value) {
  std::string text(name);
  text.resize(12, ' ');
  return text + value + "\n";
}

std::string latencies(const Histogram& latency) {
  constexpr struct {
    const char* name;
    double percentile;
  } shown[] = {{"p50", 50}, {"p90", 90},     {"p95", 95},
               {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}};
  std::string text;
  for (const auto& [name, percentile] : shown) {
    text += std::string(name) + " " + show_latency(latency.value_at(percentile)) + "  ";
  }
  return text + "max " + show_latency(latency.max());
}

}  // namespace

std::string summary_text(const RunResult& result) {
  std::string text = row("target", result.setup.target);
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.3f", result.seconds_elapsed());
  text += row("measured", std::string(seconds) + " s, " + std::to_string(result.replies) +
                              " replies" + (result.interrupted ? ", interrupted" : ""));
  text += row("rate", show_rate(result.rate_per_s()) + "/s");
  if (!result.latency.empty()) text += row("latency", latencies(result.latency));
  for (const ErrorCount& error : result.errors) {
    text += row("error", std::to_string(error.count) + " x " + error.kind + ": " + error.example);
  }
  if (result.mismatch_count != 0) {
    text += row("wrong", std::to_string(result.mismatch_count) + " replies");
    for (const Mismatch& m : result.mismatches) {
      text += row("", "connection " + std::to_string(m.connection) + ", reply " +
                          std::to_string(m.sequence) + ", " + m.kind + ": " + m.detail);
    }
  }
  for (const std::string& warning : result.warnings) text += row("warning", warning);
  return text;
}

}  // namespace ringpost::loadgen
