#pragma once

// Generator: the load of one shard: its connections, when they send, and what is counted. An actor,
// so that the thread that watches the run can tell it what to do.
//
//   connect  → every connection is opened, some at a time; then the board hears `ready`
//   start    → requests, warm-up first; intervals of a second each go to the board
//   stop     → (or by itself, when time or requests are up) no more requests; what is in flight is
//              waited for a bounded time; then the board hears `idle`
//   finish   → goodbye; the board hears `done`
//
// Closed loop: what a reply makes room for is sent at once. Open loop: a Pace says what is due, and
// what is due goes out in few sends, to one connection after the other; what finds no connection
// with room waits, and its latency counts from when it was due.
//
// Owned by: its shard.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/actor/actor.h"
#include "engine/base/fifo.h"
#include "engine/shard/shard.h"
#include "tools/loadgen/board.h"
#include "tools/loadgen/client.h"
#include "tools/loadgen/fan_out.h"
#include "tools/loadgen/pace.h"
#include "tools/loadgen/plan.h"
#include "tools/loadgen/slice.h"

namespace ringpost::loadgen {

enum GeneratorKind : std::uint16_t {
  // From the thread that watches.
  kind_connect = engine::kind_protocol_first,
  kind_start,  // body: the Nanos at which to begin
  kind_stop,
  kind_finish,
  // From another shard: all its receivers have so many messages of a sender. Body: the sender's
  // connection, and how many.
  kind_settled,
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
  void on_unreachable(Client& client, const std::string& why);
  // Something left, or was answered: there may be room for more.
  void on_room(Client& client);
  void on_answered(const Batch& batch, Nanos now);
  void on_failed(std::uint64_t count);
  void on_statuses(std::uint16_t status, std::uint64_t count);
  void on_fault(const Client& client, Fault fault);
  void on_delivered(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count, Nanos now);
  void on_missed(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count);
  void on_acknowledged(const Client& sender);
  // The connection is of no use any more; what was in flight on it stays without an answer.
  void on_lost(Client& client, std::string_view kind, std::string_view text);
  // The same, for a reason that the server gave.
  void on_goodbye(Client& client, const std::string& why);
  void on_client_leaving() { --ready_count_; }  // it was ready
  // It ends before it was ready.
  void on_greeting_lost();
  void on_client_left(Client& client);  // and wants to come back
  void on_client_closed();
  Nanos now() const { return shard_.now(); }

 private:
  enum class Phase : std::uint8_t {
    idle,
    connecting,
    ready,
    running,
    finishing,  // no more requests; some are in flight
    finished,   // none is
    done,
  };

  // The exact timer of the open loop.
  class Pacer final : public engine::TimerTarget {
   public:
    explicit Pacer(Generator& generator) : generator_(generator) { node.target = this; }
    void on_time() override { generator_.pace(); }
    engine::ExactTimerNode node;

   private:
    Generator& generator_;
  };

  std::uint32_t self() const { return shard_.post().shard(); }
  std::uint32_t parts() const { return plan_.shards + 1; }
  bool is_open_loop() const { return plan_.per_s.has_value(); }
  // In the measured period, what was due before it does not count.
  bool counts(Nanos due) const {
    return due >= measure_from_ || interval_->part == Slice::Part::warmup;
  }

  void connect_some();
  void give_up(Client& client, std::string_view why);
  void storm(Nanos now);
  Nanos silence_max() const;
  void check_silence(Nanos now);
  void check_ready();
  void start(Nanos at);
  void stop();
  void check_idle();
  void report_idle();
  void finish();

  std::uint64_t room_of(const Client& client) const;
  void send(Client& client, const Batch& batch);
  void pace();
  void send_due(std::uint64_t due, Nanos now);
  void note_delays(const Batch& batch);
  std::uint64_t due_by(Nanos now) const;

  void note_answered(std::uint64_t count, Nanos now);
  void hear(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count);
  void on_settled(std::uint64_t sender, std::uint32_t part, std::uint64_t count);

  void turn_interval(Nanos now, Slice::Part next);
  void hand_over_interval(Nanos now);
  void note_use();
  void schedule_timer();

  engine::Shard& shard_;
  const Plan& plan_;
  Board& board_;
  engine::MonotonicClock clock_;  // the shard's time stands still while completions are handled
  std::deque<Client> clients_;    // never moves them; connection i * shards + self
  engine::Fifo<Client*> to_connect_;
  std::size_t connecting_ = 0;
  std::uint64_t connects_ = 0;
  std::uint64_t connects_failed_ = 0;
  std::size_t storm_next_ = SIZE_MAX;  // who leaves next; SIZE_MAX: it is no time for that
  std::uint64_t ready_count_ = 0;
  std::uint64_t in_flight_ = 0;  // of all clients

  // What may still be sent.
  std::vector<Client*> speakers_;
  std::uint64_t quota_;  // requests of the run
  std::uint64_t issued_ = 0;
  bool concluded_ = false;
  bool idle_reported_ = false;
  // Open loop.
  Pace pace_;
  Pacer pacer_{*this};
  std::size_t next_speaker_ = 0;
  bool behind_ = false;  // something due found no room
  // Fan-out.
  std::optional<Hearing> hearing_;
  // By our speakers and parts: of how many messages that part knows that it is done with them.
  // Part i: the receivers on shard i; the last one: the server, which acknowledges.
  std::vector<std::uint64_t> settled_;

  Nanos warmup_ends_ = engine::never;
  Nanos measure_from_ = engine::never;
  Nanos measure_until_ = engine::never;
  Nanos in_time_until_ = engine::never;  // what is answered later does not make the rate
  Nanos interval_ends_ = engine::never;
  Nanos give_up_at_ = engine::never;
  Nanos silence_ends_ = engine::never;  // without an end by time: when to look for that long a one
  Nanos heard_at_ = 0;                  // the last answer, or the first send behind it
  Nanos poke_at_ = engine::never;
  Nanos storm_at_ = engine::never;
  std::unique_ptr<Slice> interval_;
  std::uint32_t intervals_ = 0;
  std::uint64_t bytes_sent_before_ = 0;
  std::uint64_t bytes_received_before_ = 0;
  std::uint64_t sends_before_ = 0;
  std::uint64_t receives_before_ = 0;
  Nanos cpu_before_ = 0;
  Nanos spun_before_ = 0;
  Nanos run_delay_before_ = 0;
  engine::TimerNode timer_;
  Phase phase_ = Phase::idle;
};

}  // namespace ringpost::loadgen
