// Connection: what comes in, from the receive to the session.

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
// From one class of the pool's blocks to the next.
constexpr std::uint32_t block_growth = 4;
// One in which so small a part was used could have been of the class below, and more.
constexpr std::uint32_t block_unused_factor = 16;
}  // namespace

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
  if (linger_bytes_ <= all_.limits_.linger_bytes_max || aborted_) return;
  ++counters_.linger_bytes_over;
  abort(reason_);
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

}  // namespace ringpost::engine
