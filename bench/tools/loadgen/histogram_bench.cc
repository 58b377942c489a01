// What one latency costs the generator: recording it, and once a second merging a shard's histogram
// and reading its percentiles.

#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "engine/base/prng.h"
#include "tools/loadgen/histogram.h"

namespace {

using ringpost::engine::Prng;
using ringpost::loadgen::Histogram;
using ringpost::loadgen::Nanos;

// 20 us and a heavy tail, as a loaded server has it.
std::vector<Nanos> latencies() {
  Prng random(1);
  std::vector<Nanos> values;
  for (int i = 0; i < 65'536; ++i) {
    const double uniform = double(random.below(1u << 30) + 1) / double(1u << 30);
    values.push_back(Nanos(20'000 * std::pow(uniform, -0.7)));
  }
  return values;
}

void Record(benchmark::State& state) {
  const std::vector<Nanos> values = latencies();
  Histogram histogram;
  std::size_t i = 0;
  for (auto _ : state) {
    histogram.record(values[i++ % values.size()]);
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(histogram.count());
}

void Merge(benchmark::State& state) {
  Histogram sum, part;
  for (const Nanos value : latencies()) part.record(value);
  for (auto _ : state) sum.merge(part);
  benchmark::DoNotOptimize(sum.count());
}

void Percentile(benchmark::State& state) {
  Histogram histogram;
  for (const Nanos value : latencies()) histogram.record(value);
  for (auto _ : state) benchmark::DoNotOptimize(histogram.value_at(99));
}

BENCHMARK(Record);
BENCHMARK(Merge);
BENCHMARK(Percentile);

}  // namespace

BENCHMARK_MAIN();
