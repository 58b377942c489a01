#pragma once

// Client: one connection of the generator, from its first attempt to connect to its end: it opens
// the Talk, remembers what is in flight, and tells the Generator of its shard what happens.
//
// Owned by: the Generator of one shard. Called on: its shard only.

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/fifo.h"
#include "engine/net/dial.h"
#include "engine/net/session.h"
#include "tools/loadgen/talk.h"

namespace ringpost::loadgen {

using engine::Nanos;

class Generator;

// Requests of one connection that left together.
struct Batch {
  std::uint64_t first;  // open loop: of the shard's requests, as its Pace counts them
  std::uint64_t count;
  Nanos sent;
};

class Client final : public engine::Session, public engine::DialTarget, public TalkTarget {
 public:
  Client(Generator& generator, std::uint64_t number);

  void connect();
  // Writes the requests of `batch`. Requires: ready().
  void send(const Batch& batch);
  // See Talk.
  void conclude();
  void poke();
  // Fan-out: everybody has the first `count` messages of this sender.
  void settle(std::uint64_t count);
  // Forgets what is in flight; returns how much that was.
  std::uint64_t give_up_in_flight();
  // Sends no more, and is closed when nothing is in flight.
  void leave();
  // It is about to close, and will then connect again.
  bool is_renewing() const { return state_ == State::renewing; }
  Nanos left_at() const { return left_at_; }
  // Says goodbye.
  void finish();
  // How many requests may be written now, so that no more than so many bytes wait.
  std::uint64_t room(std::uint64_t bytes_max) const;

  bool ready() const { return state_ == State::ready; }
  std::uint64_t number() const { return number_; }
  std::uint64_t in_flight() const { return in_flight_count_; }
  std::uint64_t sent_count() const { return sent_count_; }
  std::uint64_t acknowledged_count() const { return acknowledged_count_; }

  // Session.
  void on_open(engine::Link& link) override;
  std::size_t on_bytes(engine::Bytes bytes) override;
  void on_end(engine::Bytes rest) override;
  void on_messages(std::span<const engine::Message> run) override;
  void on_timer() override;
  void on_drained() override;
  void on_drain() override;
  void on_closed(engine::CloseReason reason) override;

  // DialTarget.
  engine::Session& open() override { return *this; }
  void close(engine::Session&) override {}
  void on_dial_failed(const std::string& error, Nanos retry_in) override;

  // TalkTarget.
  void on_ready() override;
  void on_replies(std::uint64_t count) override;
  void on_failed(std::uint64_t count) override;
  void on_fault(Fault fault) override;
  void on_deliveries(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count) override;
  void on_missed(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count) override;
  void on_acknowledged(std::uint64_t count) override;
  void on_statuses(std::uint16_t status, std::uint64_t count) override;
  void on_retired() override;
  void on_goodbye(std::string why) override;
  void on_lost_track() override;

 private:
  enum class State : std::uint8_t {
    idle,        // not asked to connect yet
    connecting,  // the dial is under way
    greeting,    // connected; the connect talk goes on
    ready,       // requests may be written
    leaving,     // no more of them; it will come back
    renewing,    // the server takes no more of them; it will come back with what is in flight
    finishing,   // said goodbye
    closed,
  };

  const engine::DialOptions& dial_options() const;
  void leave_if_idle();
  std::uint64_t limit_to(std::uint64_t unanswered, std::uint64_t count);
  template <typename Take>
  void take(std::uint64_t count, Take&& take_part);

  Generator& generator_;
  engine::Link* link_ = nullptr;  // null: not connected
  std::unique_ptr<Talk> talk_;
  std::unique_ptr<engine::Dial> dial_;  // while connecting
  engine::Fifo<Batch> batches_;
  std::uint64_t in_flight_count_ = 0;
  std::uint64_t sent_count_ = 0;
  std::uint64_t acknowledged_count_ = 0;
  std::uint64_t number_;
  Nanos left_at_ = 0;
  bool ended_by_server_ = false;
  State state_ = State::idle;
};

}  // namespace ringpost::loadgen
