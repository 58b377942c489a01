#include "engine/net/connection.h"

#include <utility>

#include "engine/base/assert.h"
#include "engine/net/connections.h"

namespace ringpost::engine {

namespace {
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
  ++counters_.linger_time_over;
  abort(state_ == State::flushing ? CloseReason::linger_timeout : reason_);
}

void Connection::set_timer(Nanos deadline) {
  if (state_ == State::open) all_.timers_.schedule(timer_, deadline);
}

void Connection::cancel_timer() {
  if (state_ == State::open) all_.timers_.cancel(timer_);
}

void Connection::list_touched() { all_.touched_.push_back(this); }

}  // namespace ringpost::engine
