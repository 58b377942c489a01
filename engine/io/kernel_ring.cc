#include "engine/io/kernel_ring.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/base/assert.h"
#include "engine/io/uring_abi.h"

namespace ringpost::engine {
namespace {

// Completions never get lost, a wait carries its time-out, and a wake may stay without a completion
// of its own.
constexpr unsigned features_needed =
    IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;

// DEFER_TASKRUN: the kernel does its part of a completion only when this thread enters, in batches,
// instead of interrupting it. TASKRUN_FLAG says when there is something to enter for. SUBMIT_ALL: a
// bad entry does not stop those behind it.
constexpr unsigned setup_flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                                 IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;

[[noreturn, gnu::cold]] void enter_failed(int error) {
  std::fprintf(stderr, "io_uring_enter failed: %s\n", std::strerror(error));
  std::abort();
}

}  // namespace

Result<std::unique_ptr<KernelRing>, UringFailure> KernelRing::open(std::uint32_t sq_entries,
                                                                   std::uint32_t cq_entries) {
  auto ring = std::unique_ptr<KernelRing>(new KernelRing);
  int result = ring->set_up(sq_entries, cq_entries);
  while (result == -ENOMEM && cq_entries / 2 >= cq_entries_min) {
    cq_entries /= 2;
    result = ring->set_up(sq_entries, cq_entries);
  }
  if (result < 0) return Unexpected{UringFailure{UringStep::setup, -result}};
  ring->is_open_ = true;

  if ((ring->ring_.features & features_needed) != features_needed) {
    return Unexpected{UringFailure{UringStep::features, 0}};
  }
  const int registered = io_uring_register_ring_fd(&ring->ring_);
  if (registered != 1) {
    return Unexpected{UringFailure{UringStep::register_ring, registered < 0 ? -registered : 0}};
  }
  ring->enter_flags_ = IORING_ENTER_REGISTERED_RING;
  ring->wait_flags_ = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG |
                      (ring->has_no_iowait() ? uring_abi::enter_no_iowait : 0u);
  io_uring_ring_dontfork(&ring->ring_);
  // A filter may let the set-up pass and not the calls after it; later that would be fatal.
  const int entered = io_uring_enter2(static_cast<unsigned>(ring->ring_.enter_ring_fd), 0, 0,
                                      ring->enter_flags_, nullptr, 0);
  if (entered < 0) return Unexpected{UringFailure{UringStep::enter, -entered}};
  return ring;
}

KernelRing::~KernelRing() {
  if (is_open_) io_uring_queue_exit(&ring_);
}

int KernelRing::set_up(std::uint32_t sq_entries, std::uint32_t cq_entries) {
  io_uring_params params = {};
  params.flags = setup_flags;
  params.cq_entries = cq_entries;
  return io_uring_queue_init_params(sq_entries, &ring_, &params);
}

bool KernelRing::has_no_iowait() const {
  return (ring_.features & uring_abi::feature_no_iowait) != 0;
}

EnterStatus KernelRing::submit() { return enter(0, 0, nullptr, 0); }

EnterStatus KernelRing::submit_and_collect() {
  return enter(0, IORING_ENTER_GETEVENTS, nullptr, 0);
}

EnterStatus KernelRing::submit_and_wait(Nanos timeout) {
  ASSERT(timeout > 0);
  __kernel_timespec time = {};
  io_uring_getevents_arg argument = {};
  if (timeout != never) {
    time.tv_sec = timeout / nanos_per_s;
    time.tv_nsec = timeout % nanos_per_s;
    argument.ts = reinterpret_cast<std::uintptr_t>(&time);
  }
  return enter(1, wait_flags_, &argument, sizeof argument);
}

EnterStatus KernelRing::enter(unsigned wait_count, unsigned flags, void* argument,
                              std::size_t argument_bytes) {
  io_uring_sq& sq = ring_.sq;
  // Publishes the filled slots; the kernel reads them inside this thread's enter.
  io_uring_smp_store_release(sq.ktail, sq.sqe_tail);
  sq.sqe_head = sq.sqe_tail;
  const int result =
      io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), unsubmitted(), wait_count,
                      flags | enter_flags_, static_cast<sigset_t*>(argument), argument_bytes);
  if (result >= 0) return EnterStatus::done;
  switch (-result) {
    case ETIME:
      return EnterStatus::timed_out;
    case EINTR:
      return EnterStatus::interrupted;
    case EAGAIN:
    case EBUSY:
      return EnterStatus::busy;
    default:
      // EBADF, EFAULT, EINVAL, EEXIST (another thread), EOPNOTSUPP: all of them are our bugs.
      enter_failed(-result);
  }
}

}  // namespace ringpost::engine
