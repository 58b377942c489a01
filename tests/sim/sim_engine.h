#pragma once

// SimEngine: the engine's own shards on a simulated world: the mesh, one Shard per SimIo, and what
// ShardGroup does with threads for a real process: start, drain, tear down in order.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/shard/mesh.h"
#include "engine/shard/shard.h"
#include "tests/sim/sim_world.h"

namespace ringpost::sim {

class SimEngine {
 public:
  // Called once per shard, before its first turn.
  using Wire = std::function<void(engine::Shard&)>;

  SimEngine(SimWorld& world, std::size_t lane_capacity, const engine::ShardOptions& options,
            const Wire& wire);
  ~SimEngine();  // Requires: torn down.
  SimEngine(const SimEngine&) = delete;
  SimEngine& operator=(const SimEngine&) = delete;

  engine::Shard& shard(std::uint32_t index) { return *runners_[index]->shard; }
  std::uint32_t shard_count() const { return static_cast<std::uint32_t>(runners_.size()); }

  // A message from outside, to the shard's inbox; dropped if the shard has ended.
  void tell(std::uint32_t shard, const engine::Message& message);
  // As a signal does, to every shard.
  void tell_all(std::uint16_t kind);
  bool has_ended() const;
  // The counters of all shards, and checks what must add up. Requires: has_ended.
  engine::Counters teardown();

 private:
  struct Runner final : public SimShard {
    Runner(SimWorld& in_world, std::uint32_t at) : world(in_world), index(at) {}
    void turn() override;

    SimWorld& world;
    const std::uint32_t index;
    std::unique_ptr<engine::Shard> shard;
    bool has_ended = false;
  };

  SimWorld& world_;
  engine::Mesh mesh_;
  std::vector<std::unique_ptr<Runner>> runners_;
};

// a += b, number by number.
void add(engine::Counters& a, const engine::Counters& b);

}  // namespace ringpost::sim
