#pragma once

// Generator: the load of one shard: its connections, when they send, and what is counted. An actor,
// so that the thread that watches the run can tell it what to do.
//
//   connect  → every connection is opened, some at a time; then the board hears `ready`
//   start    → requests, warm-up first; intervals of a second each go to the board
//   stop     → (or by itself, when time or requests are up) no more requests; what is in flight is
//              waited for a bounded time; goodbye; the board hears `done`
//
// Owned by: its shard.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "engine/actor/actor.h"
#include "engine/shard/shard.h"
#include "tools/loadgen/board.h"
#include "tools/loadgen/client.h"
#include "tools/loadgen/interval.h"
#include "tools/loadgen/plan.h"

namespace ringpost::loadgen {

// From the thread that watches.
enum GeneratorKind : std::uint16_t {
  kind_connect = engine::kind_protocol_first,
  kind_start,  // body: the Nanos at which to begin
  kind_stop,
};

class Generator final : public engine::Actor, public engine::TimerTarget {
 public:
  static constexpr std::uint32_t slot = engine::Shard::slot_actor_first;
  static engine::ActorRef ref_of(std::uint32_t shard) {
    return engine::ActorRef::actor(shard, slot, 1);
  }

  // `plan` and `board` outlive it.
  Generator(engine::Shard& shard, const Plan& plan, Board& board);

  void receive(std::span<const engine::Message> run) override;
  void on_time() override;

  // --- For the clients ---
  const Plan& plan() const { return plan_; }
  engine::Dialer& dialer() { return shard_.dialer(); }
  void on_client_ready(Client& client);
  void on_unreachable(const std::string& why);
  // Something left, or was answered: there may be room for more.
  void on_room(Client& client);
  // The mark of the request `count` behind the one that has this one.
  std::uint64_t mark_behind(std::uint64_t mark, std::uint64_t) const { return mark; }
  void on_answered(std::uint64_t mark, std::uint64_t count, Nanos now);
  void on_failed(std::uint64_t count);
  void on_fault(const Client& client, Fault fault);
  // The connection is of no use any more; what was in flight on it stays without an answer.
  void on_lost(Client& client, std::string_view kind, std::string_view text);
  void on_client_closed(Client& client, bool was_ready);

 private:
  enum class Phase : std::uint8_t {
    idle,
    connecting,
    ready,
    running,
    finishing,  // no more requests; some are in flight
    done,
  };

  // In the measured period alone what was due before it does not count.
  bool counts(Nanos due) const {
    return due >= measure_from_ || interval_->part == Interval::Part::warmup;
  }

  void connect_some();
  void check_ready();
  void start(Nanos at);
  void stop();
  void finish_if_idle();
  void finish();
  void turn_interval(Nanos now, Interval::Part next);
  void hand_over_interval(Nanos now);
  void schedule_timer();
  std::uint64_t take_quota(std::uint64_t count);

  engine::Shard& shard_;
  const Plan& plan_;
  Board& board_;
  std::deque<Client> clients_;  // never moves them
  std::size_t connects_begun_ = 0;
  std::size_t connects_settled_ = 0;
  std::uint64_t ready_count_ = 0;
  std::uint64_t in_flight_ = 0;  // of all clients
  std::uint64_t quota_ = UINT64_MAX;
  Nanos warmup_ends_ = engine::never;
  Nanos measure_from_ = engine::never;
  Nanos measure_until_ = engine::never;
  Nanos interval_ends_ = engine::never;
  Nanos give_up_at_ = engine::never;
  std::unique_ptr<Interval> interval_;
  std::uint32_t intervals_ = 0;
  std::uint64_t bytes_sent_before_ = 0;
  std::uint64_t bytes_received_before_ = 0;
  engine::TimerNode timer_;
  Phase phase_ = Phase::idle;
};

}  // namespace ringpost::loadgen
