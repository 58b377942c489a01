// What a time-out costs a shard with so many of them: setting it anew, as every receive does for an
// idle limit, and letting it fire, all the moves down the levels included.

#include <benchmark/benchmark.h>

#include <vector>

#include "engine/base/prng.h"
#include "engine/base/timer_wheel.h"

namespace {

using namespace ringpost::engine;

constexpr Nanos span = 60 * nanos_per_s;  // deadlines lie in this

Nanos later(Prng& random) { return 1 + static_cast<Nanos>(random.below(span)); }

std::vector<TimerNode> nodes_for(const benchmark::State& state) {
  return std::vector<TimerNode>(static_cast<std::size_t>(state.range(0)));
}

void ScheduleAnew(benchmark::State& state) {
  Prng random(1);
  TimerWheel wheel(0);
  std::vector<TimerNode> nodes = nodes_for(state);
  for (TimerNode& node : nodes) wheel.schedule(node, later(random));
  for (auto _ : state) wheel.schedule(nodes[random.below(nodes.size())], later(random));
  for (TimerNode& node : nodes) wheel.cancel(node);
}

// One iteration is one timer that fires and is set again.
void Fire(benchmark::State& state) {
  Prng random(1);
  TimerWheel wheel(0);
  std::vector<TimerNode> nodes = nodes_for(state);
  for (TimerNode& node : nodes) wheel.schedule(node, later(random));
  Nanos now = 0;
  std::int64_t due = 0;  // timers that fired and were not counted yet
  for (auto _ : state) {
    while (due == 0) {
      now = wheel.next_deadline();
      wheel.advance(now, SIZE_MAX, [&](TimerNode& node) {
        ++due;
        wheel.schedule(node, now + later(random));
      });
    }
    --due;
  }
  for (TimerNode& node : nodes) wheel.cancel(node);
}

BENCHMARK(ScheduleAnew)->Arg(100)->Arg(10'000)->Arg(1'000'000);
BENCHMARK(Fire)->Arg(100)->Arg(10'000)->Arg(1'000'000);

}  // namespace

BENCHMARK_MAIN();
