#pragma once

// Shard: one thread's share of the engine. It owns an Io, connections, actors and timers, and runs
// them in turns; the steps of a turn are named in `turn` in the order in which they happen. It
// never waits but in Io::turn.
//
// Everything here runs unchanged on the simulated Io, where one thread steps all shards.
//
// Owned by: its thread (made, run and torn down there). Called on: that thread only, but for what
// says otherwise.

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/actor/actor.h"
#include "engine/actor/post.h"
#include "engine/base/buffer_pool.h"
#include "engine/base/clock.h"
#include "engine/base/exact_timers.h"
#include "engine/base/kernel_owned.h"
#include "engine/base/payload.h"
#include "engine/base/timer_wheel.h"
#include "engine/io/io.h"
#include "engine/net/connections.h"
#include "engine/net/counters.h"
#include "engine/net/dialer.h"
#include "engine/net/listener.h"
#include "engine/shard/balance.h"
#include "engine/shard/drain.h"
#include "engine/shard/mesh.h"
#include "engine/shard/turn_times.h"

namespace ringpost::engine {

struct ShardOptions {
  std::uint32_t index = 0;
  Nanos spin_nanos = 0;                        // poll that long after a turn that did work
  Nanos drain_nanos = 10 * nanos_per_s;        // a drain takes no longer
  std::uint64_t connections_max = UINT64_MAX;  // over all shards that this one hands sockets to
  std::uint32_t lane_batch = 64;  // messages taken from one lane before the next one's turn
  std::uint32_t messages_per_turn = 16 * 1024;  // delivered before the shard flushes
  std::uint32_t completions_per_turn = 256;
  std::uint32_t timers_per_turn = 256;
  std::uint32_t input_bytes_per_turn = 256 * 1024;  // parsed before the shard flushes
  bool balance = true;  // hand accepted sockets to the least loaded shard; else keep them
  ConnectionLimits connections;
  Resolver* resolver = nullptr;  // for names to connect to; outlives the turns, not the teardown
  std::uint64_t seed = 0;        // of what may be random: the jitter of attempts to connect
};

// What one shard has done, as numbers: for the JSON line. Copied as a whole.
struct ShardReport {
  std::uint32_t index = 0;
  Counters counters;
  std::vector<std::uint64_t> lane_sent;      // messages, by target shard
  std::vector<std::uint64_t> lane_received;  // by source shard
  TurnTimes turn_times;
  std::uint64_t connections_open = 0;
  std::uint64_t buffer_bytes = 0;  // held by connections and logs
};

// Who asked for a report: gets it on the shard's thread.
class ReportTarget {
 public:
  virtual void on_report(const ShardReport& report) = 0;

 protected:
  ~ReportTarget() = default;
};

class Shard final : public SleepGate, public Actor, public AcceptTarget, public DrainTarget {
 public:
  // Slots of actors that have a fixed place. The shard itself is the first.
  static constexpr std::uint32_t slot_shard = 0;
  static constexpr std::uint32_t slot_actor_first = 1;

  static constexpr ActorRef ref_of(std::uint32_t shard) {
    return ActorRef::actor(shard, slot_shard, 1);
  }

  Shard(const ShardOptions& options, Io& io, KernelOwned& kernel_owned, const Clock& clock,
        Mesh& mesh);
  // Requires: torn down, and so is every other shard of the mesh.
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // --- Wiring, before the first turn ---

  // Services are numbered as they are added, alike on every shard.
  std::uint32_t add_service(std::unique_ptr<Service> service);
  // Puts an actor at a place that all shards know.
  ActorRef spawn_at(std::uint32_t slot, std::unique_ptr<Actor> actor);
  void listen(Fd socket, std::uint32_t service);
  // Serves a connected socket as if a listener had accepted it, and owns it from here on. The shard
  // with the fewest connections gets it, or this one (`balance`).
  void serve(Fd socket, std::uint32_t service) { on_accepted(socket, service); }
  // Hears of connections; outlives the shard.
  void set_observer(ConnectionObserver* observer) { connections_.set_observer(observer); }

  Post& post() { return post_; }
  PayloadPool& payloads() { return payloads_; }
  BufferPool& buffers() { return buffers_; }
  Counters& counters() { return counters_; }
  TimerWheel& timers() { return timers_; }
  ExactTimers& exact_timers() { return exact_timers_; }
  const Nanos& now() const { return now_; }  // of the turn; the reference stays valid
  FanOutTurn& fan_out() { return connections_.fan_out(); }
  Dialer& dialer() { return dialer_; }
  // Of its thread's CPU time, what went into polling without finding anything.
  Nanos spun_nanos() const { return io_.spun_nanos(); }

  // --- Running ---

  // One turn. False: the shard has drained, and there will be no other.
  bool turn();
  // Disposes of what waits, in the lanes to this shard too, and destroys actors and services.
  // Payloads of other shards are released here, so that a shard is destroyed only after all of the
  // mesh were torn down. Requires: `turn` said false, on every shard of the mesh.
  void teardown();

  ShardReport report() const;

 private:
  // SleepGate.
  bool work_pending() const override;
  bool try_enter_sleep() override;
  void leave_sleep() override;
  // Actor: the messages to the shard itself.
  void receive(std::span<const Message> run) override;
  // AcceptTarget.
  void on_accepted(Fd socket, std::uint32_t service) override;
  // DrainTarget.
  void drain_begin() override;
  bool drain_quiet() override;
  void drain_finish() override;
  void drain_abort() override;

  void set_marks();

  // The steps of a turn.
  TurnLimits turn_limits() const;
  void wait_exactly(TurnLimits& limits) const;
  void take_completions(std::span<const Completion> completions);
  void work_off_backlog();
  void drain_inbox();
  void drain_lanes();
  void run_timers();
  void deliver_local();
  void publish_lanes();
  void report_closed();
  void end_turn(bool worked);

  void dispatch(const Completion& completion);
  void drain_lane(std::uint32_t source);
  void deliver(std::span<const Message> messages);
  void deliver_run(std::span<const Message> run);
  void drop(std::span<const Message> run);
  void on_own_message(const Message& message);
  bool input_ended() const;
  bool messages_waiting() const;
  bool finished() const;
  bool drain_word_waiting() const;

  ShardOptions options_;
  Io& io_;
  const Clock& clock_;
  Mesh& mesh_;
  mutable MeshPort port_;  // looking into a lane refreshes what its end remembers
  Nanos now_;

  Counters counters_;
  BufferPool buffers_;
  PayloadPool payloads_;
  TimerWheel timers_;
  ExactTimers exact_timers_;
  Post post_;
  MessageQueue delivering_;
  std::vector<std::unique_ptr<Actor>> actors_;  // by slot; the shard's own place is empty
  std::vector<std::unique_ptr<Service>> services_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  Connections connections_;
  Dialer dialer_;
  Balance balance_;
  Drain drain_;

  std::vector<Completion> backlog_;  // receives put off until the next turn, oldest first
  std::size_t backlog_head_ = 0;
  std::vector<std::uint64_t> lane_sent_;
  std::vector<std::uint64_t> lane_received_;
  std::uint64_t messages_delivered_ = 0;  // to actors, sessions, or for their sake to the shard
                                          // itself: what a drain watches
  std::uint64_t drain_seen_ = 0;          // of these, at the last round
  std::uint32_t messages_this_turn_ = 0;
  std::uint64_t input_this_turn_ = 0;  // bytes
  std::uint32_t lane_first_ = 0;       // whose lane comes first this turn
  bool fed_this_turn_ = false;         // held input was taken up
  bool lanes_behind_ = false;          // a log took its share before the lanes were empty
  bool spilling_ = false;              // the last publish left something
  bool worked_ = false;                // the last turn did something
  TurnTimes turn_times_;
};

}  // namespace ringpost::engine
