#pragma once

// Scenario: one simulated run of a service, the same for all of them:
//
//   1. unrest   clients come, talk, stall, reset and go, while the world does its worst
//   2. healing  all faults end; whoever is still there says its last words, and everything owed to
//               it has to arrive in time: liveness
//   3. drain    the service stops; nothing may be left over
//
// In some runs the drain comes in the middle of the unrest. What is checked on the way (models,
// order, conservation) is up to the scenario of the service.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/scenario_client.h"
#include "tests/sim/sim_engine.h"
#include "tests/sim/sim_world.h"

namespace ringpost::sim {

struct ScenarioOptions {
  std::uint64_t seed = 1;
  std::uint64_t events = 10'000;                              // of the unrest
  std::uint32_t shards = 0;                                   // 0: 2 to 4, from the seed
  std::size_t lane_capacity = 0;                              // 0: tiny or normal, from the seed
  bool trace = false;                                         // print every event
  bool quiet = false;                                         // no faults
  std::vector<std::pair<std::string, std::uint64_t>> faults;  // these as given, the rest drawn
};

struct ScenarioResult {
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  std::uint64_t virtual_nanos = 0;
  std::uint64_t clients = 0;
  std::uint64_t lane_messages = 0;
  engine::Counters counters;
};

class Scenario {
 public:
  Scenario(std::string_view name, const ScenarioOptions& options);
  virtual ~Scenario();
  Scenario(const Scenario&) = delete;
  Scenario& operator=(const Scenario&) = delete;

  ScenarioResult run();

  SimWorld& world() { return *world_; }
  // Talk goes on: neither healed nor draining.
  bool is_talking() const { return phase_ == Phase::unrest; }
  bool is_draining() const { return drain_began_; }
  bool is_drain_skipped() const { return drain_was_skipped_; }
  // Nobody's patience ends, so everything owed has to come, whatever the network does.
  bool is_orderly() const { return !is_impatient_ && !drain_was_skipped_; }
  // Long waits for slow peers are cut short in this run, so that an end may come early.
  bool is_impatient() const { return is_impatient_; }
  // There is no place for all clients in this run.
  bool may_refuse() const { return shard_options_.connections_max < clients_at_a_time; }

 protected:
  static constexpr std::size_t clients_at_a_time = 20;
  static constexpr std::size_t clients_max = 64;

  // The services of one shard; called after `shard_options`.
  virtual void wire(engine::Shard& shard) = 0;
  virtual std::unique_ptr<ScenarioClient> make_client(std::uint32_t number) = 0;
  // How many services listen, each at an address of its own.
  virtual std::uint32_t listener_count() const { return 1; }
  // The peers of a scenario that are no clients: all faults have ended, and they behave from now
  // on.
  virtual void on_healed() {}
  // They are gone.
  virtual bool are_others_gone() const { return true; }
  // Beside the clients: the scenario has seen what it waits for.
  virtual bool is_content() const { return true; }
  // Nothing is left of the clients that are gone.
  virtual bool is_at_rest() const { return true; }
  // What they wait for, a line each.
  virtual std::string describe_others() const { return {}; }
  // Everybody is gone, everything is torn down.
  virtual void check_end(const engine::Counters& counters) = 0;

  // Draws for the set-up; the world has its own.
  engine::Prng& setup() { return setup_; }
  engine::ShardOptions& shard_options() { return shard_options_; }
  // The service's listening sockets: one, or one per shard. `listener` counts the services that
  // listen.
  void listen(engine::Shard& shard, std::uint32_t service, std::uint32_t listener = 0);
  std::uint32_t shard_count() const { return shard_count_; }
  std::size_t lane_capacity() const { return lane_capacity_; }
  SimEngine& engine() { return *engine_; }
  const std::vector<std::unique_ptr<ScenarioClient>>& clients() const { return clients_; }

 private:
  enum class Phase : std::uint8_t { unrest, healing, drain };

  void unrest();
  void settle(const char* what, const std::function<bool()>& done);
  void add_client();
  std::uint32_t sockets_per_listener() const { return shard_options_.balance ? 1 : shard_count_; }
  std::size_t live_clients() const;
  bool is_everybody_gone() const { return live_clients() == 0 && are_others_gone(); }
  void begin_drain(std::uint16_t kind);
  void report() const;
  std::string describe() const;

  const std::string name_;
  const ScenarioOptions options_;
  engine::Prng setup_;
  std::uint32_t shard_count_;
  std::size_t lane_capacity_;
  engine::ShardOptions shard_options_;
  bool is_impatient_;
  bool drains_in_unrest_;
  bool skips_drain_;
  bool drain_began_ = false;
  bool drain_was_skipped_ = false;
  Phase phase_ = Phase::unrest;
  std::vector<engine::Fd> listeners_;  // of each service as many as it has sockets
  std::vector<std::uint16_t> ports_;
  std::unique_ptr<SimWorld> world_;
  std::unique_ptr<SimEngine> engine_;
  std::vector<std::unique_ptr<ScenarioClient>> clients_;
};

ScenarioResult run_orders(const ScenarioOptions& options);
ScenarioResult run_chat(const ScenarioOptions& options);
ScenarioResult run_echo(const ScenarioOptions& options);
ScenarioResult run_relay(const ScenarioOptions& options);
ScenarioResult run_message_relay(const ScenarioOptions& options);

}  // namespace ringpost::sim
