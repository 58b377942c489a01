#pragma once

// KernelRing: one io_uring as the engine uses it, and nothing of sockets. Set-up flags, features,
// the submission queue, and an `enter` of our own, because liburing 2.3 knows neither NO_IOWAIT nor
// the registered descriptor together with a wait time-out.
//
// Owned by: the thread that opens it (SINGLE_ISSUER). Called on: that thread only, and so is the
// destructor.

#include <liburing.h>

#include <cstdint>
#include <memory>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/io/uring_failure.h"

namespace ringpost::engine {

// What the kernel said about an enter. None is fatal: everything else stops the process.
enum class EnterStatus : std::uint8_t {
  done,
  timed_out,    // ETIME: the wait's time is over
  interrupted,  // EINTR: a signal came
  busy,         // EAGAIN, EBUSY: reap first, then submit again
};

class KernelRing {
 public:
  // Tries halved completion queues, down to this, while the kernel has too little (locked) memory.
  static constexpr std::uint32_t cq_entries_min = 512;

  static Result<std::unique_ptr<KernelRing>, UringFailure> open(std::uint32_t sq_entries,
                                                                std::uint32_t cq_entries);
  KernelRing(const KernelRing&) = delete;
  KernelRing& operator=(const KernelRing&) = delete;
  ~KernelRing();

  io_uring& raw() { return ring_; }
  int fd() const { return ring_.ring_fd; }
  std::uint32_t sq_entries() const { return ring_.sq.ring_entries; }
  std::uint32_t cq_entries() const { return ring_.cq.ring_entries; }
  bool has_no_iowait() const;

  // A slot of the submission queue, or null if it is full: enter, then try again. The caller fills
  // every field (the prep functions) and user_data.
  io_uring_sqe* try_next_sqe() { return io_uring_get_sqe(&ring_); }
  // Slots that the kernel has not taken yet.
  unsigned unsubmitted() const { return ring_.sq.sqe_tail - *ring_.sq.khead; }

  unsigned completions_ready() const { return io_uring_cq_ready(&ring_); }
  // The kernel has completions that only an enter brings out: deferred work of this thread, or
  // entries that found the completion queue full. A user-space read, no system call.
  bool wants_enter() const {
    return (sq_flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  }
  bool has_overflow() const { return (sq_flags() & IORING_SQ_CQ_OVERFLOW) != 0; }

  // Submits everything, and no more.
  EnterStatus submit();
  // Submits everything and runs deferred work (the kernel stops after some 20 pieces), without
  // waiting.
  EnterStatus submit_and_collect();
  // Submits everything, runs deferred work, and sleeps until there is a completion. `timeout` is
  // relative; `never` waits without end.
  EnterStatus submit_and_wait(Nanos timeout);

  // Calls `take(const io_uring_cqe&) -> bool` for each completion in order until it returns false
  // (that one is taken, too) or none is left, and hands all of them back to the kernel at once.
  template <typename Take>
  unsigned reap(Take&& take) {
    // The kernel's release of ktail pairs with the acquire in io_uring_cq_ready.
    const unsigned ready = completions_ready();
    const unsigned head = *ring_.cq.khead;
    unsigned count = 0;
    bool go_on = true;
    while (go_on && count < ready) {
      go_on = take(ring_.cq.cqes[(head + count) & ring_.cq.ring_mask]);
      ++count;
    }
    io_uring_cq_advance(&ring_, count);
    return count;
  }

 private:
  KernelRing() = default;
  int set_up(std::uint32_t sq_entries, std::uint32_t cq_entries);
  // Relaxed is enough: the flags are hints, and what they announce is fetched by an enter.
  unsigned sq_flags() const { return __atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED); }
  EnterStatus enter(unsigned wait_count, unsigned flags, void* argument,
                    std::size_t argument_bytes);

  io_uring ring_ = {};
  bool is_open_ = false;
  unsigned enter_flags_ = 0;
  unsigned wait_flags_ = 0;
};

}  // namespace ringpost::engine
