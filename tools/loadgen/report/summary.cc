#include "tools/loadgen/report/summary.h"

namespace ringpost::loadgen {

namespace {

double micros(Nanos nanos) { return double(nanos) / double(engine::nanos_per_us); }

}  // namespace

Summary summarize(const RunResult& run) {
  Summary summary;
  summary.rate_per_s = run.rate_per_s();
  summary.asked_per_s = run.setup.asked_per_s;
  summary.late = run.late;
  summary.dropped = run.dropped;
  summary.errors = run.error_count();
  summary.mismatches = run.mismatch_count;
  const Histogram& latency = run.latency;
  if (latency.empty()) return summary;
  summary.p50_us = micros(latency.value_at(50));
  summary.p90_us = micros(latency.value_at(90));
  summary.p95_us = micros(latency.value_at(95));
  summary.p99_us = micros(latency.value_at(99));
  summary.p999_us = micros(latency.value_at(99.9));
  summary.max_us = micros(latency.max());
  return summary;
}

}  // namespace ringpost::loadgen
