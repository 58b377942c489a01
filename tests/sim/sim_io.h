#pragma once

// SimIo: the Io of one shard over the simulated network, with the manners of an io_uring: what is
// started goes out with the next turn; the kernel gets on with it at some turn after that, in any
// order between operations; multishots end when they please; buffers run out; a send reads its
// memory late and completes later still; a cancel may come too late.
//
// A turn never waits: where a real one would sleep, it marks the shard as asleep and returns
// nothing. The world steps a sleeping shard again only when there is a reason to wake, and the next
// turn leaves the sleep first. So a wake that is lost stays lost, and is found.
//
// SimIo is the judge of the seam as well: it fails the run when the code above breaks a rule of
// engine/io/io.h (one send per socket, buffers given back once, memory left alone, no operation on
// a closed socket, no close under an operation).
//
// Owned by: the world. Everything runs on one thread.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/base/kernel_owned.h"
#include "engine/io/io.h"
#include "tests/sim/sim_network.h"

namespace ringpost::sim {

struct SimIoCounters {
  std::uint64_t turns = 0;
  std::uint64_t sleeps = 0;
  std::uint64_t started = 0;  // operations
  std::uint64_t ended = 0;    // final completions returned
  std::uint64_t starved = 0;  // receives ended for want of a buffer
  std::uint64_t wakes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
};

class SimIo final : public engine::Io, public SocketObserver, public SimTarget {
 public:
  // Says where wakes go: to the SimIo of a shard.
  using Peers = std::function<SimIo&(std::uint32_t)>;

  SimIo(SimContext& context, SimNetwork& network, engine::KernelOwned& kernel_owned,
        std::uint32_t shard, Peers peers);
  ~SimIo() override;
  SimIo(const SimIo&) = delete;
  SimIo& operator=(const SimIo&) = delete;

  // --- Io

  void accept(engine::Fd listener, engine::OpToken token) override;
  void receive(engine::Fd socket, engine::OpToken token, bool when_readable) override;
  void receive_once(engine::Fd socket, std::span<char> target, engine::OpToken token) override;
  void send(engine::Fd socket, engine::SendRequest& request, engine::OpToken token) override;
  engine::Result<engine::Fd, std::error_code> open_stream(
      const engine::SocketAddress& address, const engine::TcpOptions& options) override;
  void connect(engine::Fd socket, const engine::SocketAddress& address,
               engine::OpToken token) override;
  void cancel(engine::OpToken token) override;
  void shutdown(engine::Fd socket, engine::Shutdown how) override;
  void close(engine::Fd socket) override;
  void close_by_reset(engine::Fd socket) override;
  std::uint64_t undelivered_bytes(engine::Fd socket) override;
  bool peer_fell_silent(engine::Fd) override { return false; }  // nobody does here
  void give_back(engine::BufferId buffer) override;
  bool can_spare_buffer() const override { return buffers_out_ * 2 < buffers_.size(); }
  void wake(std::uint32_t shard) override;
  void wake_from_any_thread() override;
  std::span<const engine::Completion> turn(const engine::TurnLimits& limits,
                                           engine::SleepGate& gate) override;

  // --- for the world

  bool is_asleep() const { return is_asleep_; }
  engine::Nanos sleep_deadline() const { return sleep_deadline_; }
  // A turn would be worth it: always while awake; asleep, once something has come.
  bool is_runnable() const;
  // Wakes the sleeper for no reason, as a signal would.
  void wake_spuriously() { is_woken_ = true; }
  // Checks what must hold after a turn of the shard above.
  void check_after_turn() const;
  // Asleep with work, and nobody under way to wake it.
  bool has_lost_a_wake() const;

  std::size_t in_flight_count() const { return tokens_.size(); }
  std::size_t buffers_out() const { return buffers_out_; }
  std::uint32_t wakes_under_way() const { return wakes_under_way_; }
  const SimIoCounters& counters() const { return counters_; }

  void on_readable(std::uint64_t fd) override;
  void on_writable(std::uint64_t fd) override;
  void on_event(std::uint32_t what, std::uint64_t argument) override;

 private:
  enum class What : std::uint32_t { wake };

  struct Operation {
    engine::OpToken token;
    engine::Fd fd = engine::no_fd;
    engine::OpKind kind = engine::OpKind::none;
    bool is_submitted = false;
    bool is_ready = false;  // listed in ready_
    bool is_cancelled = false;
    bool is_finished = false;  // its final completion is in the queue
    bool when_readable = false;
    std::span<char> target;                  // receive_once
    engine::SendRequest* request = nullptr;  // send
    std::uint64_t memory_hash = 0;           // of what the send reads
    std::size_t sent = 0;
    engine::SocketAddress address;
  };
  using Index = std::uint32_t;

  struct Submission {
    enum class Kind : std::uint8_t { start, cancel, wake } kind;
    std::uint64_t value;  // index of the operation, token, shard
  };

  struct Buffer {
    std::unique_ptr<char[]> memory;
    std::size_t used = 0;
    bool is_out = false;  // handed out and not given back, or on its way there
  };

  // Starting.
  Operation& start(engine::Fd fd, engine::OpToken token, engine::OpKind kind);
  void submit();
  void submit_start(Index index);
  void submit_cancel(engine::OpToken token);
  void submit_wake(std::uint32_t shard);

  void check_may_close(engine::Fd socket) const;

  // The kernel at work.
  void mark_ready(Index index);
  void mark_socket(engine::Fd fd, bool readable);
  void run_kernel();
  // One step of an operation; true if another could follow at once.
  bool progress(Operation& operation);
  bool progress_accept(Operation& operation);
  bool progress_receive(Operation& operation);
  bool progress_receive_once(Operation& operation);
  bool progress_send(Operation& operation);
  bool progress_connect(Operation& operation);
  bool try_progress_cancelled(Operation& operation);
  bool fill_buffer(Operation& operation, EndpointId endpoint);
  bool end_receive(Operation& operation, EndpointId endpoint);
  bool read_send_memory(Operation& operation, EndpointId endpoint);
  bool finish(Operation& operation, std::int32_t result);
  bool complete(Operation& operation, engine::Completion completion, bool more);
  bool multishot_goes_on();
  int take_buffer();
  void deliver(std::size_t completions_max);
  void release(engine::OpToken token);

  std::uint64_t hash_memory(const engine::SendRequest& request) const;
  void note_memory(const Operation& operation, bool is_note);

  SimContext& context_;
  SimNetwork& network_;
  engine::KernelOwned& kernel_owned_;
  const std::uint32_t shard_;
  const Peers peers_;

  std::deque<Operation> operations_;
  std::vector<Index> free_operations_;
  std::unordered_map<std::uint64_t, Index> tokens_;  // in flight; never walked
  std::vector<std::vector<Index>> per_socket_;       // in flight, by descriptor
  std::vector<Submission> submissions_;
  std::vector<Index> ready_;  // worth a look
  std::vector<Index> scratch_;

  std::vector<Buffer> buffers_;
  std::size_t buffers_out_ = 0;

  std::deque<engine::Completion> queue_;         // made, not yet returned
  std::vector<engine::Completion> completions_;  // returned by the last turn
  bool is_woken_ = false;
  std::uint32_t wakes_under_way_ = 0;  // to this shard

  bool is_asleep_ = false;
  bool is_in_turn_ = false;
  engine::Nanos sleep_deadline_ = 0;
  engine::SleepGate* gate_ = nullptr;
  SimIoCounters counters_;
};

}  // namespace ringpost::sim
