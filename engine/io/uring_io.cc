#include "engine/io/uring_io.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <thread>

#include "engine/base/assert.h"
#include "engine/io/buffer_ring.h"
#include "engine/io/kernel_ring.h"
#include "engine/io/socket.h"

namespace ringpost::engine {
namespace {

// A send goes out whole or not at all, as far as the connection lives, and a dead one is an error
// and no signal.
constexpr int send_flags = MSG_WAITALL | MSG_NOSIGNAL;

// The completion of a cancel carries the token of its target with this bit, which no OpKind has.
constexpr std::uint64_t cancel_bit = std::uint64_t{1} << 63;

// That a multishot receive fills before it goes back to waiting (MULTISHOT_MAX_RETRY in the
// kernel).
constexpr std::uint32_t buffers_in_a_row = 32;

// A sleep overshoots by some 20 us (the wake of an idle CPU). Who may spin and has no more than
// this left to wait spins on.
constexpr Nanos sleep_min = 50 * nanos_per_us;

// Between two looks at the clock, while spinning.
constexpr int polls_per_clock_read = 8;

// A full submission queue empties with one enter; only a kernel short of memory needs more.
constexpr int submit_attempts_max = 1000;

// The end of the ring: rounds of cancelling everything and waiting.
constexpr int close_rounds_max = 200;
constexpr int cancel_every_rounds = 10;
constexpr Nanos close_round = 10 * nanos_per_ms;
constexpr std::size_t close_batch = 64;

void relax_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

std::size_t index_of(OpToken token) { return static_cast<std::size_t>(token.kind()); }

}  // namespace

// --- opening and closing

Result<std::unique_ptr<UringIo>, UringFailure> UringIo::open(const UringOptions& options) {
  auto ring = KernelRing::open(options.sq_entries, options.cq_entries);
  if (!ring) return Unexpected{ring.error()};
  auto buffers = BufferRing::open(ring.value()->raw(), options.buffer_count, options.buffer_bytes);
  if (!buffers) return Unexpected{buffers.error()};
  const int event_fd = eventfd(0, EFD_CLOEXEC);
  if (event_fd < 0) return Unexpected{UringFailure{UringStep::eventfd, errno}};
  return std::unique_ptr<UringIo>(
      new UringIo(options, std::move(ring.value()), std::move(buffers.value()), event_fd));
}

UringIo::UringIo(const UringOptions& options, std::unique_ptr<KernelRing> ring,
                 std::unique_ptr<BufferRing> buffers, int event_fd)
    : clock_(options.clock),
      ring_(std::move(ring)),
      buffers_(std::move(buffers)),
      event_fd_(event_fd),
      in_flight_(options.kernel_owned) {
  arm_thread_wake();
}

UringIo::~UringIo() {
  cancel_everything();
  DASSERT(in_flight_count() == 0);
  if (in_flight_count() == 0) {
    ::close(event_fd_);
    return;
  }
  // The kernel may still write: better a leak at the end of the process than memory changing hands.
  buffers_->abandon();
  (void)ring_.release();
}

void UringIo::cancel_everything() {
  is_closing_ = true;
  completions_.resize(std::max(completions_.size(), close_batch));
  for (int round = 0; round < close_rounds_max && in_flight_count() > 0; ++round) {
    if (round % cancel_every_rounds == 0) {
      io_uring_sqe& sqe = next_internal_sqe(internal_token(Internal::cancel_all));
      io_uring_prep_cancel64(&sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    }
    ring_->submit_and_wait(close_round);
    completion_count_ = 0;
    reap(close_batch);
    for (const Completion& completion : std::span(completions_).first(completion_count_)) {
      discard(completion);
    }
  }
}

// Takes back what a completion brought, for there is nobody left to receive it.
void UringIo::discard(const Completion& completion) {
  if (completion.has_buffer) buffers_->give_back(completion.buffer);
  if (completion.token.kind() == OpKind::accept && completion.result >= 0) {
    ::close(completion.result);
  }
}

void UringIo::set_peers(std::span<const int> ring_fds) {
  peers_.assign(ring_fds.begin(), ring_fds.end());
}

int UringIo::ring_fd() const { return ring_->fd(); }

std::uint32_t UringIo::buffers_free() const { return buffers_->free_count(); }

std::uint32_t UringIo::cq_entries() const { return ring_->cq_entries(); }

std::uint64_t UringIo::in_flight_count() const {
  std::uint64_t count = 0;
  for (std::size_t kind = 0; kind < UringCounters::kinds; ++kind) {
    ASSERT(counters_.operations_started[kind] >= counters_.operations_ended[kind]);
    count += counters_.operations_started[kind] - counters_.operations_ended[kind];
  }
  return count;
}

// --- submission

io_uring_sqe& UringIo::next_sqe() {
  for (int attempt = 0; attempt < submit_attempts_max; ++attempt) {
    if (io_uring_sqe* sqe = ring_->try_next_sqe()) return *sqe;
    ++counters_.enters;
    if (ring_->submit() == EnterStatus::busy) std::this_thread::yield();
  }
  assertion_failed("the kernel takes no more submissions");
}

io_uring_sqe& UringIo::next_sqe(OpToken token) {
  ASSERT(token.kind() > OpKind::none && token.kind() < OpKind::internal);
  ++counters_.operations_started[index_of(token)];
  io_uring_sqe& sqe = next_sqe();
  sqe.user_data = token.value;
  return sqe;
}

// An operation of our own, whose completion comes for certain.
io_uring_sqe& UringIo::next_internal_sqe(OpToken token) {
  ++counters_.operations_started[static_cast<std::size_t>(OpKind::internal)];
  io_uring_sqe& sqe = next_sqe();
  sqe.user_data = token.value;
  return sqe;
}

OpToken UringIo::internal_token(Internal what, std::uint32_t detail) {
  return OpToken::make(OpKind::internal, detail, static_cast<std::uint32_t>(what));
}

void UringIo::accept(Fd listener, OpToken token) {
  io_uring_prep_multishot_accept(&next_sqe(token), listener, nullptr, nullptr, SOCK_CLOEXEC);
  in_flight_.start(token, listener);
}

void UringIo::receive(Fd socket, OpToken token, bool when_readable) {
  io_uring_sqe& sqe = next_sqe(token);
  // No length: kernels before 6.17 refuse one on a multishot, and the buffer bounds it anyway.
  io_uring_prep_recv_multishot(&sqe, socket, nullptr, 0, 0);
  sqe.flags |= IOSQE_BUFFER_SELECT;
  sqe.buf_group = BufferRing::group;
  if (when_readable) sqe.ioprio |= IORING_RECVSEND_POLL_FIRST;
  fresh_receives_[token.value] = {.socket = socket, .polled_first = when_readable};
  in_flight_.start(token, socket);
}

void UringIo::receive_once(Fd socket, std::span<char> target, OpToken token) {
  ASSERT(!target.empty());
  io_uring_prep_recv(&next_sqe(token), socket, target.data(), target.size(), 0);
  in_flight_.start(token, socket, target);
}

void UringIo::send(Fd socket, SendRequest& request, OpToken token) {
  ASSERT(request.part_count > 0);
  ASSERT(request.part_count <= SendRequest::parts_max);
  ASSERT(request.bytes > 0);
  io_uring_sqe& sqe = next_sqe(token);
  if (request.part_count == 1) {
    const iovec& part = request.parts[0];
    io_uring_prep_send(&sqe, socket, part.iov_base, part.iov_len, send_flags);
  } else {
    request.header = {};
    request.header.msg_iov = request.parts.data();
    request.header.msg_iovlen = request.part_count;
    io_uring_prep_sendmsg(&sqe, socket, &request.header, send_flags);
  }
  in_flight_.start(token, socket, request);
}

Result<Fd, std::error_code> UringIo::open_stream(const SocketAddress& address,
                                                 const TcpOptions& options) {
  return engine::open_stream(address, options);
}

std::error_code UringIo::bind_source(Fd socket, const SocketAddress& source) {
  return engine::bind_source(socket, source);
}

void UringIo::connect(Fd socket, const SocketAddress& address, OpToken token) {
  const auto [at, is_new] = connects_.try_emplace(token.value, PendingConnect{socket, address});
  ASSERT(is_new);
  const SocketAddress& copy = at->second.address;
  io_uring_prep_connect(&next_sqe(token), socket, reinterpret_cast<const sockaddr*>(&copy.storage),
                        copy.length);
  in_flight_.start(token, socket);
}

void UringIo::cancel(OpToken token) {
  const auto [at, is_new] = cancels_.try_emplace(token.value);
  if (is_new) return submit_cancel(token);
  // One was submitted whose completion is still to come. It may have been for an operation that has
  // ended, and not for the one that is in flight under the same token now.
  if (at->second.target_ended) at->second.is_wanted_again = true;
}

// By user_data and not by descriptor: that scans every operation of the ring, and a reused number
// would mean another socket.
void UringIo::submit_cancel(OpToken target) {
  io_uring_sqe& sqe = next_internal_sqe(OpToken{target.value | cancel_bit});
  io_uring_prep_cancel64(&sqe, target.value, 0);
}

void UringIo::shutdown(Fd socket, Shutdown how) {
  constexpr int hows[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
  // Fails only if the peer was faster; the operations in flight tell.
  (void)::shutdown(socket, hows[static_cast<std::size_t>(how)]);
}

void UringIo::close(Fd socket) {
  in_flight_.assert_idle(socket);
  ::close(socket);
}

void UringIo::close_by_reset(Fd socket) {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  // A socket that refuses is closed the orderly way: the peer is as rid of it.
  (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(socket);
}

namespace {

std::optional<tcp_info> info_of(Fd socket) {
  tcp_info info = {};
  socklen_t length = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return {};
  return info;
}

}  // namespace

// Acknowledged is what the peer's kernel has, and gives to its program even behind a reset. A
// connection that is no more keeps its count of what was not.
std::uint64_t UringIo::undelivered_bytes(Fd socket) {
  const auto info = info_of(socket);
  if (!info || info->tcpi_state == TCP_CLOSE) return 0;
  int bytes = 0;
  if (ioctl(socket, SIOCOUTQ, &bytes) != 0) return 0;
  return static_cast<std::uint64_t>(bytes);
}

// The kernel has told its error to the send, which reported the bytes instead. Of the tries that
// are counted, any answer begins the count anew; one of them may have been answered by a reset.
bool UringIo::peer_fell_silent(Fd socket) {
  const auto info = info_of(socket);
  if (!info || info->tcpi_state != TCP_CLOSE) return false;
  return info->tcpi_retransmits + info->tcpi_probes >= 2;
}

void UringIo::give_back(BufferId buffer) { buffers_->give_back(buffer); }

bool UringIo::can_spare_buffer() const { return buffers_->can_spare(); }

void UringIo::wake(std::uint32_t shard) {
  ASSERT(shard < peers_.size());
  ++counters_.wakes_sent;
  submit_wake(shard);
}

// Only a failure completes at the sender's ring.
void UringIo::submit_wake(std::uint32_t shard) {
  io_uring_sqe& sqe = next_sqe();
  io_uring_prep_msg_ring(&sqe, peers_[shard], 0, internal_token(Internal::wake_received).value, 0);
  sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
  sqe.user_data = internal_token(Internal::wake_sent, shard).value;
}

void UringIo::wake_from_any_thread() { (void)eventfd_write(event_fd_, 1); }

// The eventfd is never read: each write makes the poll complete once more, and a poll that had to
// be armed anew completes at once, so that no wake falls between.
void UringIo::arm_thread_wake() {
  io_uring_prep_poll_multishot(&next_internal_sqe(internal_token(Internal::thread_wake)), event_fd_,
                               POLLIN);
}

// --- completion

std::span<const Completion> UringIo::turn(const TurnLimits& limits, SleepGate& gate) {
  buffers_->publish();
  completion_count_ = 0;
  is_woken_ = false;
  if (limits.completions_max == 0) {
    submit_only();
    return {};
  }
  if (completions_.size() < limits.completions_max) completions_.resize(limits.completions_max);
  collect(limits.completions_max);
  if (!has_outcome()) wait(limits, gate);
  return {completions_.data(), completion_count_};
}

void UringIo::submit_only() {
  if (ring_->unsubmitted() == 0) return;
  ++counters_.enters;
  ring_->submit();
}

// One enter if there is a reason for one, then a reap; again while the kernel has more of its
// deferred work and nothing came out yet. Not again after a round that brought nothing: the kernel
// may ask for an enter with no work left for it. Who posts to this ring from another thread raises
// the flag after queueing the work, which by then may be done; it stays up until the next work.
void UringIo::collect(std::size_t completions_max) {
  bool is_busy = false;
  std::uint64_t reaped_before;
  do {
    reaped_before = counters_.completions;
    if (ring_->completions_ready() >= completions_max) {
      submit_only();
    } else if (ring_->unsubmitted() > 0 || ring_->wants_enter()) {
      ++counters_.enters;
      if (ring_->has_overflow()) ++counters_.overflows;
      is_busy = ring_->submit_and_collect() == EnterStatus::busy;
    }
    reap(completions_max);
  } while (!has_outcome() && !is_busy && counters_.completions != reaped_before &&
           (ring_->unsubmitted() > 0 || ring_->wants_enter()));
}

void UringIo::reap(std::size_t completions_max) {
  counters_.completions += ring_->reap([&](const io_uring_cqe& entry) {
    const OpToken token{entry.user_data};
    if ((token.value & cancel_bit) != 0) {
      on_cancelled(OpToken{token.value & ~cancel_bit}, entry.res);
    } else if (token.kind() == OpKind::internal) {
      on_internal(entry, token);
    } else {
      deliver(entry, token);
    }
    return completion_count_ < completions_max;
  });
}

void UringIo::deliver(const io_uring_cqe& entry, OpToken token) {
  Completion& completion = completions_[completion_count_++];
  completion = {};
  completion.token = token;
  completion.result = entry.res;
  completion.more = (entry.flags & IORING_CQE_F_MORE) != 0;
  if ((entry.flags & IORING_CQE_F_BUFFER) != 0) deliver_buffer(entry, completion);
  if (token.kind() == OpKind::connect) completion.result = connect_result(token, entry.res);
  if (!completion.more) {
    finish(token, entry.res);
  } else if (!fresh_receives_.empty()) {
    find_reset(token, (entry.flags & IORING_CQE_F_SOCK_NONEMPTY) == 0);
  }
}

// A buffer that comes with an end or an error was seen from kernels that had not used it up; to
// hand it out might give it to two connections, so it stays lost, and counted.
void UringIo::deliver_buffer(const io_uring_cqe& entry, Completion& completion) {
  if (entry.res <= 0) {
    ++counters_.buffers_lost;
    return;
  }
  completion.has_buffer = true;
  completion.buffer = static_cast<BufferId>(entry.flags >> IORING_CQE_BUFFER_SHIFT);
  completion.data = buffers_->take(completion.buffer, static_cast<std::size_t>(entry.res));
}

// The kernel wakes a receive for a reset once, when it comes. One that came before the receive
// waited is seen only if that looks at the socket again after the last bytes. A receive does so
// before it waits for the first time, but not if it was told to wait first, nor once it has filled
// as many buffers as it may in a row: then it takes the socket to be empty (of an end of stream it
// knows, of a reset not) and waits for ever. So look here, once, when such a receive has read all
// that was there as it started; what comes later finds it waiting. Shutting down a socket that is
// dead already changes nothing but wakes it.
void UringIo::find_reset(OpToken token, bool is_empty) {
  const auto at = fresh_receives_.find(token.value);
  if (at == fresh_receives_.end()) return;
  FreshReceive& fresh = at->second;
  ++fresh.buffers;
  if (!is_empty) return;
  const bool is_blind = fresh.polled_first || fresh.buffers >= buffers_in_a_row;
  pollfd look = {.fd = fresh.socket, .events = 0, .revents = 0};
  fresh_receives_.erase(at);
  if (!is_blind || ::poll(&look, 1, 0) <= 0) return;
  ++counters_.resets_found;
  shutdown(look.fd, Shutdown::both);
}

void UringIo::finish(OpToken token, int result) {
  ++counters_.operations_ended[index_of(token)];
  in_flight_.finish(token);
  if (token.kind() == OpKind::receive) {
    if (result == -ENOBUFS) {
      ++counters_.receives_starved;
      buffers_->note_starved();
    }
    fresh_receives_.erase(token.value);
  }
  if (cancels_.empty()) return;
  if (const auto at = cancels_.find(token.value); at != cancels_.end()) {
    at->second.target_ended = true;
    at->second.is_wanted_again = false;
  }
}

// Two ends that open at the same time become one connection, and so does one end with itself.
std::int32_t UringIo::connect_result(OpToken token, std::int32_t result) {
  const auto at = connects_.find(token.value);
  ASSERT(at != connects_.end());
  const Fd socket = at->second.socket;
  connects_.erase(at);
  if (result != 0) return result;
  const auto near = local_address(socket);
  const auto far = peer_address(socket);
  return near && far && to_text(*near) == to_text(*far) ? -ECONNREFUSED : 0;
}

void UringIo::on_internal(const io_uring_cqe& entry, OpToken token) {
  const bool is_final = (entry.flags & IORING_CQE_F_MORE) == 0;
  switch (static_cast<Internal>(token.generation())) {
    case Internal::wake_received:
      ++counters_.wakes_received;
      is_woken_ = true;
      return;
    case Internal::wake_sent:
      return on_wake_failed(token.slot(), entry.res);
    case Internal::thread_wake:
      ++counters_.wakes_received;
      is_woken_ = true;
      if (is_final) {
        end_internal();
        // An overflow of the completion queue ends a multishot.
        if (!is_closing_) arm_thread_wake();
      }
      return;
    case Internal::cancel_all:
      return end_internal();
  }
  assertion_failed("a completion of no operation");
}

void UringIo::end_internal() {
  ++counters_.operations_ended[static_cast<std::size_t>(OpKind::internal)];
}

// The cancel and its target complete in any order, and the target may have been faster (ENOENT) or
// be about to end (EALREADY). If the kernel knows no target that has not ended either, once more:
// it may have been on its way from one list of the kernel to another.
void UringIo::on_cancelled(OpToken target, int result) {
  end_internal();
  const auto at = cancels_.find(target.value);
  ASSERT(at != cancels_.end());
  PendingCancel& cancel = at->second;
  if (cancel.is_wanted_again && !is_closing_) {
    cancel = {};
    submit_cancel(target);
    return;
  }
  const bool is_missed = result == -ENOENT && !cancel.target_ended;
  if (is_missed && !cancel.is_retry && !is_closing_) {
    cancel.is_retry = true;
    submit_cancel(target);
    return;
  }
  if (is_missed) ++counters_.cancels_missed;
  cancels_.erase(at);
}

void UringIo::on_wake_failed(std::uint32_t shard, int result) {
  ++counters_.wakes_failed;
  const bool peer_is_gone = result == -EBADF || result == -EBADFD;
  if (!peer_is_gone && !is_closing_) submit_wake(shard);  // the kernel was short of memory
}

// --- waiting

bool UringIo::has_news() const {
  return ring_->completions_ready() > 0 || ring_->wants_enter() || ring_->unsubmitted() > 0;
}

void UringIo::wait(const TurnLimits& limits, SleepGate& gate) {
  if (limits.deadline <= 0) return;
  if (limits.spin > 0 && !spin(limits, gate)) return;
  sleep(limits, gate);
}

// True if neither completions nor other work came and the time for spinning is over.
bool UringIo::spin(const TurnLimits& limits, SleepGate& gate) {
  Nanos now = clock_.now();
  Nanos idle_from = now;
  Nanos until = now + limits.spin;
  if (limits.deadline - until < sleep_min) until = limits.deadline;
  for (; now < until; now = clock_.now()) {
    for (int i = 0; i < polls_per_clock_read; ++i) {
      if (has_news()) {
        spun_nanos_ += clock_.now() - idle_from;
        collect(limits.completions_max);
        if (has_outcome()) return false;
        idle_from = clock_.now();
      }
      if (gate.work_pending()) {
        spun_nanos_ += clock_.now() - idle_from;
        return false;
      }
      relax_cpu();
    }
  }
  spun_nanos_ += now - idle_from;
  return true;
}

// The gate announces the sleep to the other shards and looks at their lanes once more; the look at
// our own ring behind it only saves an enter, for the kernel does not put a thread to sleep that
// has completions. It does not count that the kernel wants an enter: this is one.
void UringIo::sleep(const TurnLimits& limits, SleepGate& gate) {
  const Nanos timeout = limits.deadline == never ? never : limits.deadline - clock_.now();
  if (timeout <= 0) return;
  if (!gate.try_enter_sleep()) return;
  if (ring_->completions_ready() == 0) {
    ++counters_.enters;
    ++counters_.sleeps;
    ring_->submit_and_wait(timeout);
  }
  gate.leave_sleep();
  collect(limits.completions_max);
}

}  // namespace ringpost::engine
