#include "tests/sim/sim_engine.h"

#include <cinttypes>
#include <cstring>
#include <numeric>

namespace ringpost::sim {

using engine::Counters;
using engine::Message;
using engine::Shard;
using engine::ShardOptions;

void SimEngine::Runner::turn() {
  SIM_CHECK(!has_ended, "shard %u turns after its end", index);
  if (shard->turn()) return;
  has_ended = true;
  world.set_shard(index, nullptr);
}

SimEngine::SimEngine(SimWorld& world, std::size_t lane_capacity, const ShardOptions& options,
                     const Wire& wire)
    : world_(world), mesh_(world.shard_count(), lane_capacity) {
  for (std::uint32_t index = 0; index < world.shard_count(); ++index) {
    runners_.push_back(std::make_unique<Runner>(world, index));
    ShardOptions own = options;
    own.index = index;
    runners_[index]->shard = std::make_unique<Shard>(
        own, world.io(index), world.kernel_owned(index), world.clock(), mesh_);
  }
  for (const auto& runner : runners_) {
    wire(*runner->shard);
    world.set_shard(runner->index, runner.get());
  }
}

SimEngine::~SimEngine() = default;

void SimEngine::tell_all(std::uint16_t kind) {
  for (std::uint32_t index = 0; index < shard_count(); ++index) {
    Message message{};
    message.to = Shard::ref_of(index);
    message.kind = kind;
    tell(index, message);
  }
}

void SimEngine::tell(std::uint32_t shard, const Message& message) {
  if (shard >= runners_.size() || runners_[shard]->has_ended) {
    return dispose(message, [](int) { sim_fail("a descriptor from outside"); });
  }
  mesh_.inbox(shard).push(message);
  if (mesh_.parker(shard).claim_wake()) world_.io(shard).wake_from_any_thread();
}

bool SimEngine::has_ended() const {
  for (const auto& runner : runners_) {
    if (!runner->has_ended) return false;
  }
  return true;
}

Counters SimEngine::teardown() {
  ASSERT(has_ended());
  Counters total;
  for (const auto& runner : runners_) {
    const engine::ShardReport report = runner->shard->report();
    add(total, report.counters);
    const auto& closed = report.counters.closed;
    const std::uint64_t ends = std::accumulate(closed.begin(), closed.end(), std::uint64_t{0});
    SIM_CHECK(report.counters.opened == ends,
              "shard %u opened %" PRIu64 " connections and closed %" PRIu64, runner->index,
              report.counters.opened, ends);
    SIM_CHECK(closed[0] == 0, "shard %u closed a connection for no reason", runner->index);
  }
  for (const auto& runner : runners_) runner->shard->teardown();
  for (std::uint32_t index = 0; index < shard_count(); ++index) {
    SimIo& io = world_.io(index);
    SIM_CHECK(io.in_flight_count() == 0, "shard %u leaves %zu operations in flight", index,
              io.in_flight_count());
    SIM_CHECK(io.buffers_out() == 0, "shard %u keeps %zu receive buffers", index, io.buffers_out());
    SIM_CHECK(world_.kernel_owned(index).count() == 0, "shard %u: the kernel still owns memory",
              index);
  }
  runners_.clear();
  return total;
}

void add(Counters& a, const Counters& b) {
  // Plain numbers throughout; one of them is a maximum, of which the sum says enough.
  constexpr std::size_t count = sizeof(Counters) / sizeof(std::uint64_t);
  static_assert(std::is_trivially_copyable_v<Counters> && sizeof(Counters) % 8 == 0);
  std::uint64_t left[count];
  std::uint64_t right[count];
  std::memcpy(left, &a, sizeof a);
  std::memcpy(right, &b, sizeof b);
  for (std::size_t i = 0; i < count; ++i) left[i] += right[i];
  std::memcpy(static_cast<void*>(&a), left, sizeof a);
}

}  // namespace ringpost::sim
