#pragma once

// SimWorld: one simulated machine with its network: the clock, the SimIos of all shards, and who
// runs next. One thread steps everything in an order drawn from the seed; when nobody can run, the
// clock jumps to when somebody can.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/kernel_owned.h"
#include "tests/sim/sim_io.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_schedule.h"

namespace ringpost::sim {

// The system under test, as far as the world knows it: a loop that turns.
class SimShard {
 public:
  virtual ~SimShard() = default;
  // One turn of the shard's loop over its SimIo.
  virtual void turn() = 0;
};

class SimWorld {
 public:
  SimWorld(std::uint64_t seed, std::uint32_t shard_count, const SimFaults& faults);
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  SimContext& context() { return context_; }
  engine::Prng& prng() { return context_.prng; }
  const SimClock& clock() const { return context_.clock; }
  SimTrace& trace() { return context_.trace; }
  SimNetwork& network() { return network_; }
  SimIo& io(std::uint32_t shard) { return *ios_[shard]; }
  engine::KernelOwned& kernel_owned(std::uint32_t shard) { return *kernel_owned_[shard]; }
  std::uint32_t shard_count() const { return static_cast<std::uint32_t>(ios_.size()); }
  // Not owned; outlives the last step. Null: no such shard any more.
  void set_shard(std::uint32_t shard, SimShard* code) { shards_[shard] = code; }

  // Lets one thing happen. False: nothing will, ever.
  bool step();
  std::uint64_t event_count() const { return event_count_; }
  // Steps until `done`, and fails the run if that takes longer in virtual time or events; then
  // `describe` says what is missing.
  void run_until(
      const char* what, engine::Nanos time_max, std::uint64_t events_max,
      const std::function<bool()>& done,
      const std::function<std::string()>& describe = [] { return std::string(); });

  // Ends all faults; what was stuck goes on.
  void heal();

 private:
  bool can_run(std::uint32_t shard) const;
  bool run_some_shard();
  void run_shard(std::uint32_t shard);
  engine::Nanos next_time() const;

  SimContext context_;
  SimNetwork network_;
  std::vector<std::unique_ptr<engine::KernelOwned>> kernel_owned_;
  std::vector<std::unique_ptr<SimIo>> ios_;
  std::vector<SimShard*> shards_;
  std::vector<engine::Nanos> stalled_until_;
  std::vector<std::uint32_t> runnable_;
  std::uint64_t event_count_ = 0;
};

}  // namespace ringpost::sim
