#include "tests/sim/sim_io.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace ringpost::sim {

using engine::BufferId;
using engine::Completion;
using engine::Fd;
using engine::Nanos;
using engine::OpKind;
using engine::OpToken;
using engine::Result;
using engine::SendRequest;
using engine::Shutdown;
using engine::SleepGate;
using engine::SocketAddress;
using engine::TcpOptions;
using engine::TurnLimits;

namespace {

// What a stale reader of a returned buffer finds.
constexpr int poison_byte = 0xdb;

std::size_t index_of(Fd fd) { return static_cast<std::size_t>(fd - SimNetwork::first_fd); }

void lock_memory([[maybe_unused]] const char* memory, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(memory, bytes);
#endif
}

void unlock_memory([[maybe_unused]] const char* memory, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
#endif
}

}  // namespace

SimIo::SimIo(SimContext& context, SimNetwork& network, engine::KernelOwned& kernel_owned,
             std::uint32_t shard, Peers peers)
    : context_(context),
      network_(network),
      kernel_owned_(kernel_owned),
      shard_(shard),
      peers_(std::move(peers)),
      buffers_(context.faults.buffer_count) {
  for (Buffer& buffer : buffers_) {
    buffer.memory = std::make_unique<char[]>(context.faults.buffer_bytes);
    lock_memory(buffer.memory.get(), context.faults.buffer_bytes);
  }
}

SimIo::~SimIo() {
  for (Buffer& buffer : buffers_) {
    unlock_memory(buffer.memory.get(), context_.faults.buffer_bytes);
  }
}

// --- starting

SimIo::Operation& SimIo::start(Fd fd, OpToken token, OpKind kind) {
  SIM_CHECK(network_.is_open(fd), "shard %u: operation %" PRIx64 " on closed descriptor %d", shard_,
            token.value, fd);
  SIM_CHECK(token.kind() == kind, "shard %u: token %" PRIx64 " names another kind", shard_,
            token.value);
  SIM_CHECK(!tokens_.contains(token.value), "shard %u: token %" PRIx64 " is in flight already",
            shard_, token.value);
  network_.observe(fd, this);

  Index index;
  if (free_operations_.empty()) {
    index = static_cast<Index>(operations_.size());
    operations_.emplace_back();
  } else {
    index = free_operations_.back();
    free_operations_.pop_back();
  }
  Operation& operation = operations_[index];
  operation = {};
  operation.token = token;
  operation.fd = fd;
  operation.kind = kind;
  tokens_.emplace(token.value, index);
  if (per_socket_.size() <= index_of(fd)) per_socket_.resize(index_of(fd) + 1);
  for (const Index other : per_socket_[index_of(fd)]) {
    SIM_CHECK(kind != OpKind::send || operations_[other].kind != OpKind::send,
              "shard %u: two sends in flight on descriptor %d", shard_, fd);
  }
  per_socket_[index_of(fd)].push_back(index);
  submissions_.push_back({Submission::Kind::start, index});
  ++counters_.started;
  context_.trace.note("start", shard_, token.value, static_cast<std::uint64_t>(fd));
  return operation;
}

void SimIo::accept(Fd listener, OpToken token) {
  SIM_CHECK(network_.is_listener(listener), "accept on descriptor %d, which does not listen",
            listener);
  start(listener, token, OpKind::accept);
}

void SimIo::receive(Fd socket, OpToken token, bool when_readable) {
  start(socket, token, OpKind::receive).when_readable = when_readable;
}

void SimIo::receive_once(Fd socket, std::span<char> target, OpToken token) {
  SIM_CHECK(!target.empty(), "receive_once into nothing");
  Operation& operation = start(socket, token, OpKind::receive_once);
  operation.target = target;
  note_memory(operation, true);
}

void SimIo::send(Fd socket, SendRequest& request, OpToken token) {
  SIM_CHECK(request.part_count > 0 && request.part_count <= SendRequest::parts_max,
            "a send of %u parts", request.part_count);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < request.part_count; ++i) bytes += request.parts[i].iov_len;
  SIM_CHECK(request.bytes > 0 && bytes == request.bytes, "a send of %u bytes has parts of %zu",
            request.bytes, bytes);
  Operation& operation = start(socket, token, OpKind::send);
  operation.request = &request;
  operation.memory_hash = hash_memory(request);
  note_memory(operation, true);
}

Result<Fd, std::error_code> SimIo::open_stream(const SocketAddress&, const TcpOptions&) {
  if (network_.at_fd_limit())
    return engine::Unexpected{std::error_code(EMFILE, std::system_category())};
  return network_.open_stream();
}

void SimIo::connect(Fd socket, const SocketAddress& address, OpToken token) {
  start(socket, token, OpKind::connect).address = address;
}

void SimIo::cancel(OpToken token) {
  context_.trace.note("cancel", shard_, token.value);
  submissions_.push_back({Submission::Kind::cancel, token.value});
}

void SimIo::wake(std::uint32_t shard) {
  SIM_CHECK(shard != shard_, "shard %u wakes itself", shard);
  ++peers_(shard).wakes_under_way_;
  ++counters_.wakes_sent;
  submissions_.push_back({Submission::Kind::wake, shard});
}

void SimIo::wake_from_any_thread() {
  ++wakes_under_way_;
  submit_wake(shard_);
}

void SimIo::shutdown(Fd socket, Shutdown how) {
  context_.trace.note("shutdown", shard_, static_cast<std::uint64_t>(socket),
                      static_cast<std::uint64_t>(how));
  network_.shutdown(socket, how);
}

void SimIo::check_may_close(Fd socket) const {
  SIM_CHECK(network_.is_open(socket), "shard %u closes descriptor %d twice", shard_, socket);
  SIM_CHECK(per_socket_.size() <= index_of(socket) || per_socket_[index_of(socket)].empty(),
            "shard %u closes descriptor %d under an operation", shard_, socket);
}

void SimIo::close(Fd socket) {
  check_may_close(socket);
  context_.trace.note("close", shard_, static_cast<std::uint64_t>(socket));
  network_.close(socket);
}

void SimIo::close_by_reset(Fd socket) {
  check_may_close(socket);
  context_.trace.note("close by reset", shard_, static_cast<std::uint64_t>(socket));
  network_.reset(socket);
}

std::uint64_t SimIo::undelivered_bytes(Fd socket) {
  return network_.undelivered_bytes(network_.endpoint_of(socket));
}

void SimIo::give_back(BufferId id) {
  SIM_CHECK(id < buffers_.size() && buffers_[id].is_out,
            "shard %u: buffer %u is given back, but not handed out", shard_, id);
  Buffer& buffer = buffers_[id];
  const std::size_t unused =
      context_.faults.buffer_bytes - buffer.used;  // in front: see fill_buffer
  std::memset(buffer.memory.get() + unused, poison_byte, buffer.used);
  lock_memory(buffer.memory.get(), context_.faults.buffer_bytes);
  buffer.is_out = false;
  --buffers_out_;
}

void SimIo::submit() {
  // By index: nothing is added meanwhile, but a wake may reach this very list of another shard.
  for (const Submission& submission : submissions_) {
    switch (submission.kind) {
      case Submission::Kind::start:
        submit_start(static_cast<Index>(submission.value));
        break;
      case Submission::Kind::cancel:
        submit_cancel(OpToken{submission.value});
        break;
      case Submission::Kind::wake:
        submit_wake(static_cast<std::uint32_t>(submission.value));
        break;
    }
  }
  submissions_.clear();
}

void SimIo::submit_start(Index index) {
  Operation& operation = operations_[index];
  operation.is_submitted = true;
  if (operation.kind == OpKind::connect) network_.connect(operation.fd, operation.address);
  mark_ready(index);
}

void SimIo::submit_cancel(OpToken token) {
  const auto at = tokens_.find(token.value);
  // It has ended, or its namesake starts only behind the cancel: -ENOENT, and nobody is told.
  if (at == tokens_.end() || !operations_[at->second].is_submitted) return;
  operations_[at->second].is_cancelled = true;
  mark_ready(at->second);
}

void SimIo::submit_wake(std::uint32_t shard) {
  SimIo& target = peers_(shard);
  context_.schedule.at(
      context_.clock.now() + context_.draw_nanos(context_.faults.wake_delay_us_max), target,
      static_cast<std::uint32_t>(What::wake), shard_);
}

void SimIo::on_event(std::uint32_t, std::uint64_t from) {
  context_.trace.note("wake", shard_, from);
  SIM_CHECK(wakes_under_way_ > 0, "a wake that nobody sent");
  --wakes_under_way_;
  is_woken_ = true;
}

// --- the kernel at work

void SimIo::mark_ready(Index index) {
  Operation& operation = operations_[index];
  if (operation.is_ready || operation.is_finished || !operation.is_submitted) return;
  operation.is_ready = true;
  ready_.push_back(index);
}

void SimIo::mark_socket(Fd fd, bool readable) {
  if (per_socket_.size() <= index_of(fd)) return;
  for (const Index index : per_socket_[index_of(fd)]) {
    const OpKind kind = operations_[index].kind;
    const bool reads =
        kind == OpKind::accept || kind == OpKind::receive || kind == OpKind::receive_once;
    if (reads == readable) mark_ready(index);
  }
}

void SimIo::on_readable(std::uint64_t fd) { mark_socket(static_cast<Fd>(fd), true); }
void SimIo::on_writable(std::uint64_t fd) { mark_socket(static_cast<Fd>(fd), false); }

void SimIo::run_kernel() {
  scratch_.clear();
  scratch_.swap(ready_);
  const std::size_t made_max = queue_.size() + context_.faults.reap_max;
  while (!scratch_.empty()) {
    // Any order between operations.
    std::swap(scratch_[context_.prng.below(scratch_.size())], scratch_.back());
    const Index index = scratch_.back();
    scratch_.pop_back();
    Operation& operation = operations_[index];
    operation.is_ready = false;
    while (true) {
      if (queue_.size() >= made_max || context_.prng.one_in(context_.faults.hold_one_in)) {
        mark_ready(index);
        break;
      }
      if (!progress(operation)) break;
    }
  }
}

bool SimIo::progress(Operation& operation) {
  if (operation.is_finished) return false;
  if (operation.is_cancelled && !try_progress_cancelled(operation)) return false;
  switch (operation.kind) {
    case OpKind::accept:
      return progress_accept(operation);
    case OpKind::receive:
      return progress_receive(operation);
    case OpKind::receive_once:
      return progress_receive_once(operation);
    case OpKind::send:
      return progress_send(operation);
    case OpKind::connect:
      return progress_connect(operation);
    case OpKind::none:
    case OpKind::internal:
      break;
  }
  sim_fail("an operation of no kind");
}

// A cancelled operation ends now, or, if the cancel came late, has one more try. False: it ended.
bool SimIo::try_progress_cancelled(Operation& operation) {
  if (context_.prng.one_in(context_.faults.cancel_late_one_in)) {
    mark_ready(static_cast<Index>(tokens_.at(operation.token.value)));
    return true;
  }
  // A send that was under way tells how far it got.
  const bool was_partial = operation.kind == OpKind::send && operation.sent > 0;
  finish(operation, was_partial ? static_cast<std::int32_t>(operation.sent) : -ECANCELED);
  return false;
}

bool SimIo::multishot_goes_on() {
  return queue_.size() < context_.faults.cq_entries &&
         !context_.prng.one_in(context_.faults.multishot_end_one_in);
}

bool SimIo::progress_accept(Operation& operation) {
  constexpr std::array<int, 4> errors = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
  if (!network_.can_accept(operation.fd)) return false;
  if (network_.at_fd_limit()) return finish(operation, -EMFILE);
  if (context_.prng.one_in(context_.faults.accept_error_one_in)) {
    return finish(operation, -errors[context_.prng.below(errors.size())]);
  }
  if (context_.prng.one_in(context_.faults.accept_abort_one_in)) {
    network_.abort_pending(operation.fd);
    return finish(operation, -ECONNABORTED);
  }
  const Fd fd = network_.accept(operation.fd);
  return complete(operation, {.token = operation.token, .result = fd}, multishot_goes_on());
}

bool SimIo::progress_receive(Operation& operation) {
  const EndpointId endpoint = network_.endpoint_of(operation.fd);
  if (endpoint == no_endpoint) return finish(operation, -ENOTCONN);
  if (network_.readable_bytes(endpoint) != 0) return fill_buffer(operation, endpoint);
  if (network_.has_news(endpoint)) return end_receive(operation, endpoint);
  // A first look takes its buffer before it finds nothing to read.
  if (!operation.when_readable && buffers_out_ == buffers_.size()) {
    ++counters_.starved;
    return finish(operation, -ENOBUFS);
  }
  operation.when_readable = true;
  return false;
}

// The lowest free buffer would hide a stale reader least; a random one is as good as any other.
int SimIo::take_buffer() {
  if (buffers_out_ == buffers_.size()) return -1;
  std::size_t index = context_.prng.below(buffers_.size());
  while (buffers_[index].is_out) index = index + 1 == buffers_.size() ? 0 : index + 1;
  buffers_[index].is_out = true;
  buffers_[index].used = 0;
  ++buffers_out_;
  return static_cast<int>(index);
}

bool SimIo::fill_buffer(Operation& operation, EndpointId endpoint) {
  const int taken = take_buffer();
  if (taken < 0) {
    ++counters_.starved;
    return finish(operation, -ENOBUFS);
  }
  Buffer& buffer = buffers_[static_cast<std::size_t>(taken)];
  const std::size_t room = context_.faults.buffer_bytes;
  buffer.used = std::min<std::size_t>({room, network_.readable_bytes(endpoint),
                                       context_.draw_size(context_.faults.receive_bytes_max)});
  // At the end of the buffer, where reading on is noticed.
  char* data = buffer.memory.get() + room - buffer.used;
  unlock_memory(data, buffer.used);
  network_.read(endpoint, data, buffer.used);
  counters_.bytes_received += buffer.used;
  return complete(operation,
                  {.token = operation.token,
                   .result = static_cast<std::int32_t>(buffer.used),
                   .has_buffer = true,
                   .buffer = static_cast<BufferId>(taken),
                   .data = data},
                  multishot_goes_on());
}

bool SimIo::end_receive(Operation& operation, EndpointId endpoint) {
  if (const int error = network_.take_error(endpoint); error != 0) {
    return finish(operation, -error);
  }
  Completion completion{.token = operation.token};
  const bool has_pool = operation.kind == OpKind::receive;
  if (has_pool && context_.prng.one_in(context_.faults.end_buffer_one_in)) {
    if (const int taken = take_buffer(); taken >= 0) {
      completion.has_buffer = true;
      completion.buffer = static_cast<BufferId>(taken);
      completion.data = buffers_[completion.buffer].memory.get();
    }
  }
  return complete(operation, completion, false);
}

bool SimIo::progress_receive_once(Operation& operation) {
  const EndpointId endpoint = network_.endpoint_of(operation.fd);
  if (endpoint == no_endpoint) return finish(operation, -ENOTCONN);
  if (network_.readable_bytes(endpoint) == 0) {
    return network_.has_news(endpoint) && end_receive(operation, endpoint);
  }
  const std::size_t bytes = std::min<std::size_t>(
      operation.target.size(), context_.draw_size(context_.faults.receive_bytes_max));
  const std::size_t got = network_.read(endpoint, operation.target.data(), bytes);
  counters_.bytes_received += got;
  return finish(operation, static_cast<std::int32_t>(got));
}

bool SimIo::progress_send(Operation& operation) {
  const EndpointId endpoint = network_.endpoint_of(operation.fd);
  if (operation.sent == operation.request->bytes) {  // read, and now late
    return finish(operation, static_cast<std::int32_t>(operation.sent));
  }
  if (endpoint == no_endpoint) return finish(operation, -ENOTCONN);
  if (!network_.can_write(endpoint)) {
    if (operation.sent > 0) return finish(operation, static_cast<std::int32_t>(operation.sent));
    const int error = network_.take_error(endpoint);
    return finish(operation, error != 0 ? -error : -EPIPE);
  }
  return read_send_memory(operation, endpoint);
}

// The kernel copies as much as the socket's buffer takes.
bool SimIo::read_send_memory(Operation& operation, EndpointId endpoint) {
  const SendRequest& request = *operation.request;
  SIM_CHECK(hash_memory(request) == operation.memory_hash,
            "shard %u: memory of send %" PRIx64 " changed under the kernel", shard_,
            operation.token.value);
  std::size_t room = std::min<std::size_t>(
      network_.writable_bytes(endpoint), context_.draw_size(context_.faults.send_chunk_bytes_max));
  if (room == 0) return false;
  std::size_t skip = operation.sent;
  for (std::size_t i = 0; i < request.part_count && room > 0; ++i) {
    const auto* base = static_cast<const char*>(request.parts[i].iov_base);
    const std::size_t length = request.parts[i].iov_len;
    if (skip >= length) {
      skip -= length;
      continue;
    }
    const std::size_t bytes = std::min(length - skip, room);
    const std::string_view piece(base + skip, bytes);
    network_.write(endpoint, piece);
    context_.trace.note("sent", shard_, operation.token.value, hash_bytes(piece));
    operation.sent += bytes;
    room -= bytes;
    skip = 0;
    if (!network_.can_write(endpoint)) break;
  }
  if (operation.sent < request.bytes) return true;
  if (context_.prng.one_in(context_.faults.send_late_one_in)) {
    mark_ready(tokens_.at(operation.token.value));
    return false;
  }
  return finish(operation, static_cast<std::int32_t>(operation.sent));
}

bool SimIo::progress_connect(Operation& operation) {
  const EndpointId endpoint = network_.endpoint_of(operation.fd);
  if (const int error = network_.take_error(endpoint); error != 0) {
    return finish(operation, -error);
  }
  return network_.is_established(endpoint) && finish(operation, 0);
}

bool SimIo::finish(Operation& operation, std::int32_t result) {
  return complete(operation, {.token = operation.token, .result = result}, false);
}

bool SimIo::complete(Operation& operation, Completion completion, bool more) {
  completion.more = more;
  operation.is_finished = !more;
  queue_.push_back(completion);
  return more;
}

std::uint64_t SimIo::hash_memory(const SendRequest& request) const {
  std::uint64_t hash = request.bytes;
  for (std::size_t i = 0; i < request.part_count; ++i) {
    hash = hash_bytes(
        {static_cast<const char*>(request.parts[i].iov_base), request.parts[i].iov_len}, hash);
  }
  return hash;
}

void SimIo::note_memory(const Operation& operation, bool is_note) {
  const auto apply = [&](const void* start, std::size_t bytes) {
    if (is_note) {
      kernel_owned_.note(start, bytes);
    } else {
      kernel_owned_.forget(start, bytes);
    }
  };
  if (operation.kind == OpKind::receive_once) {
    apply(operation.target.data(), operation.target.size());
  }
  if (operation.kind != OpKind::send) return;
  for (std::size_t i = 0; i < operation.request->part_count; ++i) {
    apply(operation.request->parts[i].iov_base, operation.request->parts[i].iov_len);
  }
}

// --- turns

// The final completion of an operation is handed to its owner, and its memory with it.
void SimIo::release(OpToken token) {
  const auto at = tokens_.find(token.value);
  SIM_CHECK(at != tokens_.end(), "shard %u: %" PRIx64 " ends twice", shard_, token.value);
  const Index index = at->second;
  Operation& operation = operations_[index];
  if (operation.kind == OpKind::send) {
    SIM_CHECK(hash_memory(*operation.request) == operation.memory_hash,
              "shard %u: memory of send %" PRIx64 " changed before its completion", shard_,
              token.value);
    counters_.bytes_sent += operation.sent;
  }
  note_memory(operation, false);
  std::erase(per_socket_[index_of(operation.fd)], index);
  if (operation.is_ready) std::erase(ready_, index);
  tokens_.erase(at);
  free_operations_.push_back(index);
  ++counters_.ended;
}

void SimIo::deliver(std::size_t completions_max) {
  while (!queue_.empty() && completions_.size() < completions_max) {
    const Completion& completion = queue_.front();
    completions_.push_back(completion);
    const std::uint64_t content =
        completion.has_buffer && completion.result > 0
            ? hash_bytes({completion.data, static_cast<std::size_t>(completion.result)})
            : 0;
    context_.trace.note(
        completion.more ? EventName("completion") : EventName("last completion"),
        (std::uint64_t{shard_} << 32) ^ static_cast<std::uint32_t>(completion.result),
        completion.token.value, content);
    if (!completion.more) release(completion.token);
    queue_.pop_front();
  }
}

std::span<const Completion> SimIo::turn(const TurnLimits& limits, SleepGate& gate) {
  ++counters_.turns;
  context_.trace.note("turn", shard_, static_cast<std::uint64_t>(context_.clock.now()));
  gate_ = &gate;
  if (is_asleep_) {
    gate.leave_sleep();
    is_asleep_ = false;
  }
  completions_.clear();
  submit();
  if (limits.completions_max == 0) return {};

  const bool was_woken = std::exchange(is_woken_, false);
  if (!context_.prng.one_in(context_.faults.empty_turn_one_in)) {
    run_kernel();
    deliver(limits.completions_max);
  } else if (!queue_.empty() || !ready_.empty() || limits.deadline <= context_.clock.now()) {
    return {};  // interrupted
  }
  const bool is_news = was_woken || !completions_.empty() || !queue_.empty();
  if (is_news || limits.deadline <= context_.clock.now()) return completions_;
  if (limits.spin > 0 && context_.prng.one_in(2) && gate.work_pending()) return completions_;
  if (!gate.try_enter_sleep()) return completions_;
  is_asleep_ = true;
  sleep_deadline_ = limits.deadline;
  ++counters_.sleeps;
  context_.trace.note("sleep", shard_, static_cast<std::uint64_t>(limits.deadline));
  return completions_;
}

bool SimIo::is_runnable() const {
  return !is_asleep_ || is_woken_ || !ready_.empty() || !queue_.empty() || !submissions_.empty() ||
         sleep_deadline_ <= context_.clock.now();
}

// What comes behind a sleep in the shard's turn has nothing to work on; a real one would do it
// after the sleep. But what waited for room in a lane may find it now, and wake the reader.
void SimIo::check_after_turn() const {
  if (!is_asleep_) return;
  for (const Submission& submission : submissions_) {
    SIM_CHECK(submission.kind == Submission::Kind::wake,
              "shard %u went to sleep and then started operations: it had work left", shard_);
  }
}

bool SimIo::has_lost_a_wake() const {
  return is_asleep_ && !is_woken_ && wakes_under_way_ == 0 && gate_->work_pending();
}

}  // namespace ringpost::sim
