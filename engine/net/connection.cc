#include "engine/net/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/base/assert.h"
#include "engine/net/connections.h"

namespace ringpost::engine {

namespace {
// How much new input is first put behind a half-received message to complete it; four times as much
// on each further try.
constexpr std::size_t join_bytes_first = 256;
// Blocks that are received into are whole blocks of the pool's classes: the first, and the factor
// from one to the next.
constexpr std::uint32_t block_header_bytes = sizeof(Block);
constexpr std::uint32_t block_bytes_first = 2048 - block_header_bytes;
constexpr std::uint32_t block_growth = 4;
// One in which so small a part was used could have been of the class below, and more.
constexpr std::uint32_t block_unused_factor = 16;
// Nobody tells when the peer has got what was sent, so this often is looked.
constexpr Nanos delivery_look = 10 * nanos_per_ms;

static_assert(OpToken::generation_max == ActorRef::generation_max);
constexpr std::uint32_t next_generation(std::uint32_t generation) {
  return generation == OpToken::generation_max ? 1 : generation + 1;
}
}  // namespace

Connection::Connection(Connections& all, std::uint32_t slot)
    : Link(all.post_, all.payloads_, all.counters_, all.now_, all.buffers_),
      all_(all),
      slot_(slot) {
  timer_.target = this;
}

// --- Life ------------------------------------------------------------------------------------

void Connection::open(Fd socket, Service& service, Origin origin) {
  ASSERT(state_ == State::free && held_block_ == nullptr && send_ == nullptr);
  ASSERT(block_ == nullptr);
  state_ = State::open;
  socket_ = socket;
  origin_ = origin;
  output_high_ = all_.limits_.output_high_bytes;
  output_low_ = all_.limits_.output_low_bytes;
  kept_bytes_min_ = all_.limits_.kept_bytes_min;
  leads_ = false;
  block_bytes_max_ = 0;
  block_bytes_ = block_bytes_first;
  pauses_ = 0;
  linger_bytes_ = 0;
  reason_ = loss_ = CloseReason::none;
  receive_state_ = ReceiveState::idle;
  aborted_ = end_delivered_ = drain_pending_ = shutdown_seen_ = cancel_sent_ = false;
  end_wanted_ = reset_wanted_ = false;
  if (all_.observer_ != nullptr) all_.observer_->on_opened(socket, service);
  begin(service.open(), service);
  start_receive(false);
}

// A session takes its place: the first, or one that the last became.
void Connection::begin(Session& session, Service& service) {
  session_ = &session;
  service_ = &service;
  session_generation_ = next_generation(session_generation_);
  self_ = ActorRef::session(post_.shard(), slot_, session_generation_);
  pending_max_ = 0;
  session.on_open(*this);
}

void Connection::become(Session& next, Service& owner) {
  ASSERT(next_session_ == nullptr && block_bytes_max_ == 0);
  next_session_ = &next;
  next_service_ = &owner;
}

bool Connection::hand_over() {
  if (next_session_ == nullptr) return false;
  Session& next = *std::exchange(next_session_, nullptr);
  Service& owner = *std::exchange(next_service_, nullptr);
  if (state_ != State::open || aborted_) {
    owner.close(next);
    return false;
  }
  all_.timers_.cancel(timer_);
  pauses_ &= static_cast<std::uint8_t>(~pause_session);
  session_->on_closed(CloseReason::none);
  service_->close(*session_);
  begin(next, owner);
  stall_ended();
  return true;
}

std::uint32_t Connection::in_flight() const {
  const bool receiving =
      receive_state_ == ReceiveState::armed || receive_state_ == ReceiveState::cancelling;
  return (receiving ? 1u : 0u) + (send_ != nullptr ? 1u : 0u);
}

void Connection::close_after_flush(CloseReason reason) {
  if (state_ != State::open || aborted_) return;
  state_ = State::flushing;
  reason_ = reason;
  pauses_ |= pause_ending;
  all_.timers_.schedule(timer_, now_ + all_.limits_.linger_nanos);
  if (stalled_) list_ready();  // to discard input from here on
  touch();
}

void Connection::say_farewell(CloseReason reason) {
  if (state_ != State::open || aborted_) return;
  session_->on_farewell();
  close_after_flush(reason);
}

void Connection::shutdown_write() {
  if (state_ != State::open || aborted_) return;
  end_wanted_ = true;
  touch();
}

void Connection::reset_after_flush(CloseReason reason) {
  if (state_ != State::open || aborted_) return;
  reset_wanted_ = true;
  close_after_flush(reason);
}

void Connection::abort(CloseReason reason) {
  if (aborted_ || state_ == State::closing || state_ == State::free) return;
  aborted_ = true;
  reason_ = reason;
  pauses_ |= pause_ending;
  all_.aborted_.push_back(this);
}

void Connection::close_begin() {
  ASSERT(state_ != State::free && state_ != State::closing && session_ != nullptr);
  state_ = State::closing;
  aborted_ = stalled_ = false;
  all_.timers_.cancel(timer_);
  outbox_.unfollow();  // the follower is the session's
  if (all_.observer_ != nullptr) all_.observer_->on_closed(socket_, *service_, reason_);
  session_->on_closed(reason_);
  service_->close(*std::exchange(session_, nullptr));
  drop_held();
  ++counters_.closed[static_cast<std::size_t>(reason_)];
  if (reset_wanted_) {
    shutdown_seen_ = true;  // it would tell the peer of an orderly end
  } else {
    all_.io_.shutdown(socket_, Shutdown::both);
  }
  if (in_flight() == 0) {
    close_finish();
  } else {
    all_.closing_.push_back(this);
  }
}

void Connection::close_finish() {
  ASSERT(state_ == State::closing && in_flight() == 0);
  outbox_.clear();
  if (reset_wanted_) {
    all_.io_.close_by_reset(socket_);
  } else {
    all_.io_.close(socket_);
  }
  socket_ = no_fd;
  state_ = State::free;
  generation_ = next_generation(generation_);
  all_.free_slots_.push_back(slot_);
  --all_.open_count_;
  if (origin_ == Origin::accepted) ++all_.closed_count_;
}

void Connection::drain() {
  if (state_ != State::open || aborted_ || drain_pending_) return;
  drain_pending_ = true;
  if (receive_state_ == ReceiveState::armed) cancel_receive();
  input_settled();
}

void Connection::on_time() {
  if (aborted_) return;
  if (state_ == State::open) {
    session_->on_timer();
    return;
  }
  if (state_ == State::delivering) return check_delivery();
  // The goodbye took too long. Whoever does not even take our last bytes ends for that reason.
  abort(state_ == State::flushing ? CloseReason::linger_timeout : reason_);
}

void Connection::set_timer(Nanos deadline) {
  if (state_ == State::open) all_.timers_.schedule(timer_, deadline);
}

void Connection::cancel_timer() {
  if (state_ == State::open) all_.timers_.cancel(timer_);
}

void Connection::list_touched() { all_.touched_.push_back(this); }

// --- Input -----------------------------------------------------------------------------------

void Connection::start_receive(bool when_readable) {
  ASSERT(receive_state_ == ReceiveState::idle);
  receive_state_ = ReceiveState::armed;
  if (block_bytes_max_ == 0) {
    all_.io_.receive(socket_, token(OpKind::receive), when_readable);
    return;
  }
  DASSERT(block_ == nullptr);
  block_ = all_.buffers_.take(block_bytes_);
  all_.io_.receive_once(socket_, {block_->data(), block_->capacity}, token(OpKind::receive_once));
}

void Connection::cancel_receive() {
  receive_state_ = ReceiveState::cancelling;
  all_.io_.cancel(token(receive_kind()));
}

// Buffers came back. Starts again with a wait for data, unless no input is wanted any more or now.
void Connection::end_starvation() {
  if (receive_state_ != ReceiveState::starved) return;
  receive_state_ = ReceiveState::idle;
  if (aborted_ || state_ == State::closing || state_ == State::free) return;
  if (state_ == State::open && (stalled_ || drain_pending_)) return input_settled();
  start_receive(true);
}

void Connection::on_receive(const Completion& completion) {
  bool is_kept = false;
  if (completion.result > 0) {
    const auto bytes = static_cast<std::size_t>(completion.result);
    ++counters_.receives;
    counters_.received_bytes += bytes;
    if (state_ == State::open && !aborted_ && !end_delivered_) {
      all_.received_ = &completion;
      on_input(Bytes(completion.data, bytes));
      is_kept = std::exchange(all_.received_, nullptr) == nullptr;
    } else {
      discard(bytes);
    }
  }
  if (completion.has_buffer && !is_kept) all_.io_.give_back(completion.buffer);
  if (!completion.more) on_receive_final(completion.result);
}

// The block that was received into: the session may take it as it is.
void Connection::on_block(std::int32_t result) {
  Block* block = std::exchange(block_, nullptr);
  const bool wanted = state_ == State::open && !aborted_ && !end_delivered_;
  if (result <= 0 || !wanted) {
    all_.buffers_.give_back(block);
    if (result > 0) discard(static_cast<std::size_t>(result));
    return on_receive_final(result);
  }
  const auto bytes = static_cast<std::uint32_t>(result);
  ++counters_.receives;
  counters_.received_bytes += bytes;
  adapt_block(bytes);
  ASSERT(held_block_ == nullptr);
  held_block_ = block;
  held_begin_ = 0;
  held_end_ = bytes;
  receive_state_ = ReceiveState::idle;
  if (paused()) stall();
  parse_held();
}

void Connection::adapt_block(std::size_t received) {
  if (received == block_bytes_) {
    const std::uint32_t larger = (block_bytes_ + block_header_bytes) * block_growth;
    if (larger <= block_bytes_max_) block_bytes_ = larger - block_header_bytes;
  } else if (received * block_unused_factor < block_bytes_ && block_bytes_ > block_bytes_first) {
    block_bytes_ = (block_bytes_ + block_header_bytes) / block_growth - block_header_bytes;
  }
}

// Held input was copied already, so it ends elsewhere than the buffer.
std::optional<KeptBytes> Connection::try_keep_many(Bytes bytes) {
  ASSERT(parsing_);
  const Completion* received = all_.received_;
  if (received == nullptr) return {};
  if (bytes.data() + bytes.size() != received->data + received->result) return {};
  if (!all_.io_.can_spare_buffer()) {
    ++counters_.receives_not_kept;
    return {};
  }
  all_.received_ = nullptr;
  return KeptBytes{&all_.io_, bytes.data(), static_cast<std::uint32_t>(bytes.size()),
                   received->buffer};
}

Link::TakenBlock Connection::take() {
  ASSERT(parsing_ && block_bytes_max_ != 0 && held_block_ != nullptr);
  return {std::exchange(held_block_, nullptr), held_begin_, held_end_ - held_begin_};
}

void Connection::on_receive_final(std::int32_t result) {
  receive_state_ = ReceiveState::idle;
  if (state_ == State::closing) {
    if (in_flight() == 0) close_finish();
    return;
  }
  if (result == -ENOBUFS) {
    ++counters_.receive_starved;
    receive_state_ = ReceiveState::starved;
    all_.starved_.push(this);
    return;
  }
  if (result > 0 || result == -ECANCELED) {
    // Ended without an end of the stream: it goes on once input is wanted.
    input_settled();
    return;
  }
  receive_state_ = ReceiveState::ended;
  if (result < 0) lose_peer(-result);
  if (state_ == State::open) {
    input_settled();
  } else if (loss_ != CloseReason::none) {
    abort(loss_);
  } else if (state_ == State::lingering) {
    abort(reason_);  // the peer's FIN answers ours: nothing is left to be lost
  }
}

void Connection::on_input(Bytes data) {
  if (paused() || stalled_) {
    hold(data);
    stall();
  } else if (held_block_ == nullptr) {
    parse(data);
  } else {
    parse_joined(data);
  }
}

std::size_t Connection::offer(Bytes bytes) {
  DASSERT(!parsing_);
  parsing_ = true;
  std::size_t consumed = session_->on_bytes(bytes);
  parsing_ = false;
  ASSERT(consumed <= bytes.size());
  if (hand_over() && consumed != bytes.size() && !paused()) {
    consumed += offer(bytes.substr(consumed));
  }
  return consumed;
}

// Parses in place what is still in the kernel's buffer, and keeps what is left.
void Connection::parse(Bytes data) {
  data.remove_prefix(offer(data));
  if (data.empty() || state_ != State::open) return;
  hold(data);
  if (paused()) stall();
}

// Completes a half-received message with as little copying as it takes, then goes on in place.
void Connection::parse_joined(Bytes data) {
  std::size_t step = join_bytes_first;
  while (!data.empty()) {
    const std::size_t tail_bytes = held().size();
    const Bytes piece = data.substr(0, step);
    hold(piece);
    const std::size_t consumed = offer(held());
    if (state_ != State::open) return drop_held();
    if (consumed >= tail_bytes) {
      drop_held();
      data.remove_prefix(consumed - tail_bytes);
      if (data.empty()) return;
      if (!paused()) return parse(data);
      hold(data);
      return stall();
    }
    held_consume(consumed);
    data.remove_prefix(piece.size());
    if (paused()) {
      hold(data);
      return stall();
    }
    step *= 4;
  }
}

void Connection::parse_held() {
  if (state_ == State::open && !held().empty()) {
    if (!paused()) held_consume(offer(held()));
    if (state_ != State::open) return drop_held();
    if (paused() && !held().empty()) return stall();
    if (block_bytes_max_ != 0) ASSERT(held().empty());  // blocks are dealt with whole
  }
  input_settled();
}

// Everything that arrived was offered, or waits in the stalled list. What comes next for the input?
void Connection::input_settled() {
  if (aborted_ || state_ == State::closing || state_ == State::free) return;
  if (state_ != State::open) {  // discarding
    if (receive_state_ == ReceiveState::idle && !reset_wanted_) start_receive(false);
    return;
  }
  const bool final_call = receive_state_ == ReceiveState::ended ||
                          (drain_pending_ && receive_state_ != ReceiveState::cancelling);
  if (final_call) {
    end_of_input();
  } else if (receive_state_ == ReceiveState::idle && !stalled_) {
    start_receive(false);
  }
}

void Connection::end_of_input() {
  if (stalled_) return;
  if (loss_ != CloseReason::none) return abort(loss_);
  if (paused()) return stall();  // its last words may need room for answers
  if (end_delivered_) return;
  end_delivered_ = true;
  if (drain_pending_ && receive_state_ != ReceiveState::ended) {
    session_->on_drain();
  } else {
    session_->on_end(held());
  }
  drop_held();
}

void Connection::discard(std::size_t bytes) {
  if (state_ == State::closing) return;
  linger_bytes_ += static_cast<std::uint32_t>(bytes);
  if (linger_bytes_ > all_.limits_.linger_bytes_max) abort(reason_);
}

void Connection::stall() {
  if (stalled_) return;
  stalled_ = true;
  ++counters_.input_stalled;
  if (!std::exchange(stall_listed_, true)) all_.stalled_.push_back(this);
  if (post_.congested() && !std::exchange(held_back_, true)) all_.held_back_.push(this);
}

// Its own reason to wait may be over. If the shard holds it back, too, it is taken up, stalls again
// and takes its place among those.
void Connection::stall_ended() {
  if (stalled_ && !parsing_ && !paused_by_itself()) list_ready();
}

void Connection::resume() {
  pauses_ &= static_cast<std::uint8_t>(~pause_session);
  stall_ended();
}

void Connection::list_ready() {
  if (!std::exchange(ready_, true)) all_.ready_.push(this);
}

Bytes Connection::held() const {
  if (held_block_ == nullptr) return {};
  return Bytes(held_block_->data() + held_begin_, held_end_ - held_begin_);
}

void Connection::hold(Bytes data) {
  if (data.empty()) return;
  const std::size_t kept = held_end_ - held_begin_;
  if (held_block_ == nullptr) {
    held_block_ = all_.buffers_.take(data.size());
    held_begin_ = held_end_ = 0;
  } else if (held_block_->capacity - held_end_ < data.size()) {
    Block* target = held_block_;
    if (held_block_->capacity < kept + data.size()) {
      target = all_.buffers_.take(std::max(kept + data.size(), kept * 2));
    }
    std::memmove(target->data(), held_block_->data() + held_begin_, kept);
    if (target != held_block_) all_.buffers_.give_back(std::exchange(held_block_, target));
    held_begin_ = 0;
    held_end_ = static_cast<std::uint32_t>(kept);
  }
  std::memcpy(held_block_->data() + held_end_, data.data(), data.size());
  held_end_ += static_cast<std::uint32_t>(data.size());
}

void Connection::held_consume(std::size_t bytes) {
  held_begin_ += static_cast<std::uint32_t>(bytes);
  if (held_begin_ == held_end_) drop_held();
}

void Connection::drop_held() {
  if (held_block_ != nullptr) all_.buffers_.give_back(std::exchange(held_block_, nullptr));
  held_begin_ = held_end_ = 0;
}

// --- Output ----------------------------------------------------------------------------------

void Connection::flush() {
  if (aborted_ || (state_ != State::open && state_ != State::flushing)) return;
  if (loss_ != CloseReason::none) {
    if (send_ != nullptr) return;
    drop_output();
    if (state_ == State::flushing) abort(loss_);  // there is nobody to flush to
    return;
  }
  if (send_ == nullptr) {
    SendRequest* request = all_.take_request();
    if (outbox_.gather(*request, all_.limits_.send_bytes_max) == 0) {
      all_.give_back(request);
      if (state_ == State::flushing) {
        finish_flush();
      } else if (std::exchange(end_wanted_, false)) {
        all_.io_.shutdown(socket_, Shutdown::send);
      }
      return;
    }
    send_ = request;
    ++counters_.sends;
    all_.io_.send(socket_, *request, token(OpKind::send));
  }
  check_pending();
}

// Judges what waits after a flush. Requires: a send is in flight.
void Connection::check_pending() {
  const std::uint64_t pending = outbox_.bytes();
  if (pending >= output_high_ && (pauses_ & pause_output) == 0) {
    pauses_ |= pause_output;
    ++counters_.output_high;
  }
  if (pending_max_ != 0 && pending > pending_max_) abort(CloseReason::slow_consumer);
}

void Connection::on_sent(std::int32_t result) {
  SendRequest* request = std::exchange(send_, nullptr);
  const bool whole = result == static_cast<std::int32_t>(request->bytes);
  all_.give_back(request);
  if (result > 0) counters_.sent_bytes += static_cast<std::uint64_t>(result);
  if (state_ == State::closing) {
    if (in_flight() == 0) close_finish();
    return;
  }
  if (!whole) {
    const int amid = all_.io_.peer_fell_silent(socket_) ? ETIMEDOUT : EPIPE;
    return output_broken(result < 0 ? -result : amid);
  }
  outbox_.consume(static_cast<std::size_t>(result));
  if (state_ == State::flushing) {
    all_.timers_.schedule(timer_, now_ + all_.limits_.linger_nanos);  // it reads: more time
  }
  if (leads_ && outbox_.empty() && state_ == State::open && !aborted_) {
    session_->on_drained();
  }
  if ((pauses_ & pause_output) != 0 && outbox_.bytes() <= output_low_) {
    pauses_ &= static_cast<std::uint8_t>(~pause_output);
    if (state_ == State::open && !aborted_) session_->on_drained();
  }
  stall_ended();
  if (!outbox_.empty() || state_ == State::flushing || end_wanted_) touch();
}

// Nobody takes it any more. Input that waited for room is to be handled now, be it of this
// connection, or of the one whose blocks these were: to that one it is as good as sent.
void Connection::drop_output() {
  const bool had_blocks = block_bytes_max_ != 0 && !outbox_.empty();
  outbox_.clear();
  if (had_blocks && state_ == State::open && !aborted_) session_->on_drained();
  pauses_ &= static_cast<std::uint8_t>(~pause_output);
  stall_ended();
}

// The stream to the peer is gone. What it sent before that is still read and handled, then the
// receive ends.
void Connection::output_broken(int error) {
  lose_peer(error);
  drop_output();
  all_.io_.shutdown(socket_, Shutdown::both);
  if (state_ != State::open) return abort(loss_);
  input_settled();
}

void Connection::lose_peer(int error) {
  if (loss_ == CloseReason::none) {
    loss_ = error == ETIMEDOUT ? CloseReason::timed_out : CloseReason::reset;
  }
}

// All output of the goodbye has left.
void Connection::finish_flush() {
  if (reset_wanted_) {
    state_ = State::delivering;
    undelivered_ = UINT64_MAX;
    return check_delivery();
  }
  if (receive_state_ == ReceiveState::ended) return abort(reason_);
  state_ = State::lingering;
  all_.io_.shutdown(socket_, Shutdown::send);
  all_.timers_.schedule(timer_, now_ + all_.limits_.linger_nanos);
  if (receive_state_ == ReceiveState::idle) start_receive(false);
}

// A reset destroys what the kernel still holds for the peer, so it waits until that is nothing, as
// long as it gets less.
void Connection::check_delivery() {
  const std::uint64_t bytes = all_.io_.undelivered_bytes(socket_);
  if (bytes == 0) return abort(reason_);
  if (bytes < undelivered_) {
    undelivered_ = bytes;
    delivery_end_ = now_ + all_.limits_.linger_nanos;
  }
  if (now_ >= delivery_end_) return abort(CloseReason::linger_timeout);
  all_.timers_.schedule(timer_, std::min(now_ + delivery_look, delivery_end_));
}

}  // namespace ringpost::engine
