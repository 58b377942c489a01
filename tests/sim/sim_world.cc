#include "tests/sim/sim_world.h"

#include <algorithm>
#include <cinttypes>

namespace ringpost::sim {

using engine::Nanos;
using engine::never;

SimWorld::SimWorld(std::uint64_t seed, std::uint32_t shard_count, const SimFaults& faults)
    : context_(seed, faults),
      network_(context_),
      shards_(shard_count, nullptr),
      stalled_until_(shard_count, 0) {
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    kernel_owned_.push_back(std::make_unique<engine::KernelOwned>());
    ios_.push_back(std::make_unique<SimIo>(
        context_, network_, *kernel_owned_.back(), shard,
        [this](std::uint32_t target) -> SimIo& { return *ios_.at(target); }));
  }
}

SimWorld::~SimWorld() = default;

bool SimWorld::can_run(std::uint32_t shard) const {
  return shards_[shard] != nullptr && stalled_until_[shard] <= context_.clock.now() &&
         ios_[shard]->is_runnable();
}

Nanos SimWorld::next_time() const {
  Nanos time = context_.schedule.next_time();
  for (std::uint32_t shard = 0; shard < ios_.size(); ++shard) {
    if (shards_[shard] == nullptr) continue;
    const Nanos wake = ios_[shard]->is_runnable() ? 0 : ios_[shard]->sleep_deadline();
    time = std::min(time, std::max(wake, stalled_until_[shard]));
  }
  return time;
}

bool SimWorld::step() {
  ++event_count_;
  if (context_.prng.one_in(context_.faults.spurious_wake_one_in)) {
    ios_[context_.prng.below(ios_.size())]->wake_spuriously();
  }
  while (true) {
    const bool is_due = context_.schedule.next_time() <= context_.clock.now();
    const std::uint64_t weight = context_.faults.event_weight;
    const bool prefer_event = is_due && context_.prng.below(weight + 2) < weight;
    if (!prefer_event && run_some_shard()) return true;
    if (is_due) {
      context_.schedule.run_next();
      return true;
    }
    const Nanos next = next_time();
    if (next == never) return false;
    context_.clock.advance_to(std::max(next, context_.clock.now()));
  }
}

bool SimWorld::run_some_shard() {
  runnable_.clear();
  for (std::uint32_t shard = 0; shard < ios_.size(); ++shard) {
    if (can_run(shard)) runnable_.push_back(shard);
  }
  if (runnable_.empty()) return false;
  std::uint32_t shard = runnable_[context_.prng.below(runnable_.size())];
  if (shard + 1 == context_.faults.slow_shard && !context_.prng.one_in(8)) {
    shard = runnable_[context_.prng.below(runnable_.size())];
  }
  run_shard(shard);
  return true;
}

void SimWorld::run_shard(std::uint32_t shard) {
  shards_[shard]->turn();
  ios_[shard]->check_after_turn();
  for (std::uint32_t other = 0; other < ios_.size(); ++other) {
    SIM_CHECK(!ios_[other]->has_lost_a_wake(),
              "shard %u sleeps on work after a turn of shard %u, and nobody wakes it", other,
              shard);
  }
  const SimFaults& faults = context_.faults;
  context_.clock.advance_to(context_.clock.now() + context_.draw_nanos(faults.turn_us_max));
  if (context_.prng.one_in(faults.shard_stall_one_in)) {
    stalled_until_[shard] =
        context_.clock.now() + context_.draw_nanos(faults.shard_stall_ms_max * 1000);
  }
}

void SimWorld::run_until(const char* what, Nanos time_max, std::uint64_t events_max,
                         const std::function<bool()>& done,
                         const std::function<std::string()>& describe) {
  const Nanos end = context_.clock.now() + time_max;
  const std::uint64_t events_end = event_count_ + events_max;
  while (!done()) {
    SIM_CHECK(step(), "%s: everybody sleeps for ever\n%s", what, describe().c_str());
    SIM_CHECK(context_.clock.now() <= end, "%s: not within %" PRId64 " virtual ms\n%s", what,
              time_max / engine::nanos_per_ms, describe().c_str());
    SIM_CHECK(event_count_ <= events_end, "%s: not within %" PRIu64 " events\n%s", what, events_max,
              describe().c_str());
  }
}

void SimWorld::heal() {
  context_.faults.heal();
  context_.is_healed = true;
  network_.heal();
}

}  // namespace ringpost::sim
