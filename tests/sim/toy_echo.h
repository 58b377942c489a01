#pragma once

// A toy server straight on the Io seam, to test the simulator itself: shard 0 accepts and hands the
// sockets round to all shards, which echo what they read. Each rule of the seam that it keeps can
// be broken by name, and the simulator must notice.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/io/io.h"
#include "engine/ring/parker.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/sim_world.h"

namespace ringpost::sim {

enum class ToyBug : std::uint8_t {
  none,
  lost_rearm,             // a receive that ended with bytes is not started again
  starved_for_ever,       // a receive that ended with -ENOBUFS is not started again
  accept_ends,            // an accept that failed is not started again
  lost_wake,              // a sleeping shard is not woken for a new socket
  careless_sleep,         // sleeps without looking at the mailbox again
  early_reuse,            // the bytes of a send are reused before it completed
  two_sends,              // a send is started while one is in flight
  leaked_buffer,          // a buffer of an ended connection is not given back
  buffer_twice,           // a buffer is given back twice
  buffer_early,           // a buffer is given back before it is read
  close_under_operation,  // the socket is closed while the receive is in flight
  leaked_socket,          // the socket of a reset connection is not closed
  stale_completion,  // the last completion of a slot's former socket is taken for the new one's
};
inline constexpr ToyBug toy_bug_last = ToyBug::stale_completion;

class ToyEcho final : public SimShard, public engine::SleepGate {
 public:
  ToyEcho(SimWorld& world, std::uint32_t shard, std::vector<std::unique_ptr<ToyEcho>>& all,
          ToyBug bug);
  void listen(engine::Fd listener);
  std::size_t open_count() const { return open_count_; }
  // Closes the listener.
  void stop();

  void turn() override;

 private:
  struct Connection {
    engine::Fd fd = engine::no_fd;
    std::uint32_t generation = 1;
    bool is_receiving = false;
    bool is_sending = false;
    bool has_ended = false;   // no more input
    bool is_closing = false;  // shut down and cancelled
    std::string pending;      // to send next
    std::string sending;      // being sent
    engine::SendRequest request = {};
  };

  // SleepGate.
  bool work_pending() const override { return !mailbox_.empty(); }
  bool try_enter_sleep() override;
  void leave_sleep() override { parker_.awake(); }

  engine::OpToken token(engine::OpKind kind, std::uint32_t slot) const;
  void adopt(engine::Fd fd);
  void on_completion(const engine::Completion& completion);
  void on_accept(const engine::Completion& completion);
  void on_receive(std::uint32_t slot, const engine::Completion& completion);
  void on_sent(std::uint32_t slot, std::int32_t result);
  void start_receive(std::uint32_t slot, bool when_readable);
  void flush(std::uint32_t slot);
  void close_begin(std::uint32_t slot);
  void close_if_idle(std::uint32_t slot);

  SimWorld& world_;
  SimIo& io_;
  const std::uint32_t shard_;
  std::vector<std::unique_ptr<ToyEcho>>& all_;
  const ToyBug bug_;
  engine::Fd listener_ = engine::no_fd;
  bool is_accepting_ = false;
  bool is_stopping_ = false;
  engine::Nanos accept_again_ = engine::never;
  std::uint32_t next_target_ = 0;
  std::deque<engine::Fd> mailbox_;
  engine::Parker parker_;
  std::deque<Connection> connections_;
  std::vector<std::uint32_t> free_slots_;
  std::size_t open_count_ = 0;
};

// Sends random bytes and wants them back.
class ToyClient final : public SimClient {
 public:
  enum class Ending : std::uint8_t { half_close, reset, close };

  ToyClient(SimWorld& world, std::uint32_t number, std::size_t bytes, Ending ending);
  bool is_satisfied() const { return is_over(); }

 private:
  void on_connected() override;
  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int error) override;
  bool on_step() override;

  std::string said_;
  std::size_t heard_ = 0;
  Ending ending_;
  std::size_t ends_after_;  // bytes heard
};

// A whole run: servers, clients, faults, then health; fails the process when something is wrong.
struct ToyResult {
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  SimIoCounters counters;  // of shard 0
};
ToyResult run_toy(std::uint64_t seed, std::uint32_t shard_count, const SimFaults& faults,
                  ToyBug bug);

}  // namespace ringpost::sim
