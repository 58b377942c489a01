#pragma once

// UringIo: the Io of a shard over an io_uring of its own.
//
// A turn submits what was started and runs the kernel's deferred work with one enter, only if there
// is something to enter for, and returns the completions. Waiting first watches the completion
// queue, the kernel's "enter for more" flag and the gate in user space, then sleeps in one enter
// that carries the deadline. In steady state there is no other system call.
//
// Wakes: a shard wakes a sleeping one by a message from ring to ring, which rides in its own
// submission; a thread without a ring writes to an eventfd that each ring polls.
//
// Owned by: one shard. Called on: the thread that opened it, which destroys it, too; except
// `wake_from_any_thread`.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/kernel_owned.h"
#include "engine/base/result.h"
#include "engine/io/in_flight.h"
#include "engine/io/io.h"
#include "engine/io/uring_failure.h"

struct io_uring_cqe;
struct io_uring_sqe;

namespace ringpost::engine {

class BufferRing;
class KernelRing;

struct UringOptions {
  const Clock& clock;
  KernelOwned& kernel_owned;
  std::uint32_t sq_entries = 256;
  // Holds the worst turn: 256 submissions that complete at once and 20 receives of 33 buffers each.
  std::uint32_t cq_entries = 4096;
  std::uint32_t buffer_count = 256;       // a power of two
  std::uint32_t buffer_bytes = 64 << 10;  // also the quantum of fairness between two sockets
};

// What a UringIo did since it was opened.
struct UringCounters {
  static constexpr std::size_t kinds = static_cast<std::size_t>(OpKind::internal) + 1;

  std::uint64_t enters = 0;            // system calls
  std::uint64_t sleeps = 0;            // enters that waited
  std::uint64_t completions = 0;       // reaped, internal ones included
  std::uint64_t overflows = 0;         // enters for completions that had found the queue full
  std::uint64_t wakes_sent = 0;        // messages to other rings
  std::uint64_t wakes_failed = 0;      // of these, refused by the kernel
  std::uint64_t wakes_received = 0;    // from other rings and from threads
  std::uint64_t cancels_missed = 0;    // cancels that found no operation, twice
  std::uint64_t receives_starved = 0;  // receives that ended for want of a buffer
  std::uint64_t buffers_lost = 0;      // buffers that came with an error, and are not trusted
  std::uint64_t resets_found = 0;      // of which the kernel had not told a receive
  // By kind; in flight is the difference.
  std::array<std::uint64_t, kinds> operations_started = {};
  std::array<std::uint64_t, kinds> operations_ended = {};
};

class UringIo final : public Io {
 public:
  static Result<std::unique_ptr<UringIo>, UringFailure> open(const UringOptions& options);
  // Cancels what is in flight and waits for it, a bounded time; if an operation refuses to end, its
  // memory is left to the kernel.
  ~UringIo() override;
  UringIo(const UringIo&) = delete;
  UringIo& operator=(const UringIo&) = delete;

  // The other rings, by shard, this one included; needed before the first `wake`. The descriptors
  // stay valid as long as this object may wake them.
  void set_peers(std::span<const int> ring_fds);
  int ring_fd() const;

  void accept(Fd listener, OpToken token) override;
  void receive(Fd socket, OpToken token, bool when_readable) override;
  void receive_once(Fd socket, std::span<char> target, OpToken token) override;
  void send(Fd socket, SendRequest& request, OpToken token) override;
  Result<Fd, std::error_code> open_stream(const SocketAddress& address,
                                          const TcpOptions& options) override;
  std::error_code bind_source(Fd socket, const SocketAddress& source) override;
  void connect(Fd socket, const SocketAddress& address, OpToken token) override;
  void cancel(OpToken token) override;
  void shutdown(Fd socket, Shutdown how) override;
  void close(Fd socket) override;
  void close_by_reset(Fd socket) override;
  std::uint64_t undelivered_bytes(Fd socket) override;
  bool peer_fell_silent(Fd socket) override;
  void give_back(BufferId buffer) override;
  bool can_spare_buffer() const override;
  void wake(std::uint32_t shard) override;
  void wake_from_any_thread() override;
  std::span<const Completion> turn(const TurnLimits& limits, SleepGate& gate) override;

  Nanos spun_nanos() const override { return spun_nanos_; }

  const UringCounters& counters() const { return counters_; }
  // User operations and internal ones whose final completion has not been reaped.
  std::uint64_t in_flight_count() const;
  std::uint32_t buffers_free() const;
  std::uint32_t cq_entries() const;  // what the kernel granted

 private:
  // What an internal completion is about; its token's generation says which.
  enum class Internal : std::uint8_t { wake_received, wake_sent, thread_wake, cancel_all };
  struct PendingCancel {
    bool target_ended = false;
    bool is_retry = false;
    bool is_wanted_again = false;  // for the operation that took the token of the one that ended
  };

  UringIo(const UringOptions& options, std::unique_ptr<KernelRing> ring,
          std::unique_ptr<BufferRing> buffers, int event_fd);

  // Submission.
  io_uring_sqe& next_sqe();
  io_uring_sqe& next_sqe(OpToken token);
  io_uring_sqe& next_internal_sqe(OpToken token);
  static OpToken internal_token(Internal what, std::uint32_t detail = 0);
  void submit_cancel(OpToken target);
  void submit_wake(std::uint32_t shard);
  void arm_thread_wake();

  // Completion.
  void submit_only();
  void collect(std::size_t completions_max);
  void reap(std::size_t completions_max);
  void deliver(const io_uring_cqe& entry, OpToken token);
  void deliver_buffer(const io_uring_cqe& entry, Completion& completion);
  void find_reset(OpToken token, bool is_empty);
  void finish(OpToken token, int result);
  std::int32_t connect_result(OpToken token, std::int32_t result);
  void on_internal(const io_uring_cqe& entry, OpToken token);
  void end_internal();
  void on_cancelled(OpToken target, int result);
  void on_wake_failed(std::uint32_t shard, int result);

  // Waiting.
  void wait(const TurnLimits& limits, SleepGate& gate);
  bool spin(const TurnLimits& limits, SleepGate& gate);
  void sleep(const TurnLimits& limits, SleepGate& gate);
  bool has_news() const;
  bool has_outcome() const { return completion_count_ > 0 || is_woken_; }

  // The end.
  void cancel_everything();
  void discard(const Completion& completion);

  const Clock& clock_;
  std::unique_ptr<KernelRing> ring_;
  std::unique_ptr<BufferRing> buffers_;
  const int event_fd_;
  std::vector<int> peers_;

  std::vector<Completion> completions_;  // what `turn` returns a span of
  std::size_t completion_count_ = 0;
  bool is_woken_ = false;    // by another shard or thread, in this turn
  bool is_closing_ = false;  // the destructor runs

  std::unordered_map<std::uint64_t, PendingCancel> cancels_;  // by the token of the target
  struct PendingConnect {
    Fd socket;
    SocketAddress address;  // the kernel reads it
  };
  std::unordered_map<std::uint64_t, PendingConnect> connects_;  // in flight, by token
  struct FreshReceive {
    Fd socket;
    bool polled_first;
    std::uint32_t buffers = 0;  // filled so far
  };
  // Receives that have not come to the end of what was there as they started, by token.
  std::unordered_map<std::uint64_t, FreshReceive> fresh_receives_;
  InFlight in_flight_;
  UringCounters counters_;
  Nanos spun_nanos_ = 0;
};

}  // namespace ringpost::engine
