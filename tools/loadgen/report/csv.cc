#include "tools/loadgen/report/csv.h"

#include <fmt/format.h>

#include <iterator>

namespace ringpost::loadgen {

namespace {

double micros(Nanos nanos) { return double(nanos) / double(engine::nanos_per_us); }
double seconds_of(Nanos nanos) { return double(nanos) / double(engine::nanos_per_s); }

}  // namespace

std::string to_csv(const RunResult& run) {
  std::string out =
      "start_s,length_s,warmup,requests,replies,rate_per_s,bytes_sent,bytes_received,errors,"
      "mismatches,late,dropped,connections,p50_us,p90_us,p95_us,p99_us,p999_us,max_us,cpu_share\n";
  for (const Second& row : run.seconds) {
    const double rate = row.length > 0 ? double(row.replies) / seconds_of(row.length) : 0;
    fmt::format_to(std::back_inserter(out),
                   "{:.3f},{:.3f},{},{},{},{:.1f},{},{},{},{},{},{},{},"
                   "{:.3f},{:.3f},{:.3f},{:.3f},{:.3f},{:.3f},{:.4f}\n",
                   seconds_of(row.start), seconds_of(row.length), int(row.warmup), row.requests,
                   row.replies, rate, row.bytes_sent, row.bytes_received, row.errors,
                   row.mismatches, row.late, row.dropped, row.connections, micros(row.p50),
                   micros(row.p90), micros(row.p95), micros(row.p99), micros(row.p999),
                   micros(row.max), row.cpu_share);
  }
  return out;
}

}  // namespace ringpost::loadgen
