// Connection: what goes out, and what becomes of the connection behind it.

#include "engine/net/connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/base/assert.h"
#include "engine/net/connections.h"

namespace ringpost::engine {

namespace {
// Nobody tells when the peer has got what was sent, so this often is looked.
constexpr Nanos delivery_look = 10 * nanos_per_ms;
}  // namespace

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
