#include "engine/net/connections.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"

namespace ringpost::engine {

Connections::Connections(const Parts& parts, const ConnectionLimits& limits)
    : io_(parts.io),
      post_(parts.post),
      timers_(parts.timers),
      buffers_(parts.buffers),
      payloads_(parts.payloads),
      counters_(parts.counters),
      now_(parts.now),
      limits_(limits),
      fan_out_{parts.buffers, {}, 0, false} {}

Connections::~Connections() { ASSERT(open_count_ == 0); }

void Connections::adopt(Fd socket, Service& service) {
  if (draining_) {
    ++counters_.closed[static_cast<std::size_t>(CloseReason::drain)];
    ++counters_.opened;
    ++closed_count_;
    io_.close(socket);
    return;
  }
  ++open_count_;
  ++counters_.opened;
  take_slot().open(socket, service, Connection::Origin::accepted);
}

void Connections::adopt_dialed(Fd socket, Service& service) {
  ASSERT(!draining_);  // the dialer was drained before
  ++open_count_;
  ++counters_.opened;
  take_slot().open(socket, service, Connection::Origin::dialed);
}

Connection& Connections::take_slot() {
  if (free_slots_.empty()) {
    const auto slot = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(&memory_.emplace_back(*this, slot));
    return *slots_.back();
  }
  Connection& connection = *slots_[free_slots_.back()];
  free_slots_.pop_back();
  return connection;
}

Connection* Connections::find(OpToken token) {
  if (token.slot() >= slots_.size()) return nullptr;
  Connection* connection = slots_[token.slot()];
  const bool current = connection->generation_ == token.generation() &&
                       connection->state_ != Connection::State::free;
  return current ? connection : nullptr;
}

void Connections::on_completion(const Completion& completion) {
  Connection* connection = find(completion.token);
  if (connection == nullptr) {
    if (completion.has_buffer) io_.give_back(completion.buffer);
    return;
  }
  if (completion.token.kind() == OpKind::receive) {
    connection->on_receive(completion);
  } else if (completion.token.kind() == OpKind::receive_once) {
    connection->on_block(completion.result);
  } else {
    ASSERT(completion.token.kind() == OpKind::send);
    connection->on_sent(completion.result);
  }
}

bool Connections::deliver(ActorRef to, std::span<const Message> run) {
  if (to.slot() >= slots_.size()) return false;
  Connection& connection = *slots_[to.slot()];
  if (connection.self_ != to || connection.session_ == nullptr || connection.aborted_) {
    return false;
  }
  connection.session_->on_messages(run);
  connection.hand_over();
  return true;
}

bool Connections::feed_ready() {
  std::size_t fed = 0;
  // Those that become ready anew, or fill a queue anew, stand at the end: once around at most.
  for (std::size_t left = ready_.size(); left != 0; --left) {
    if (fed == limits_.feed_ready_max) break;
    ++fed;
    Connection& connection = *ready_.pop();
    connection.ready_ = false;
    feed(connection);
  }
  for (std::size_t left = held_back_.size(); left != 0 && !post_.congested(); --left) {
    if (fed == limits_.feed_ready_max) break;
    ++fed;
    Connection& connection = *held_back_.pop();
    connection.held_back_ = false;
    // Who has a reason of its own as well waits for the end of that.
    if (connection.stalled_ && !connection.paused_by_itself()) feed(connection);
  }
  return fed != 0;
}

void Connections::feed(Connection& connection) {
  connection.stalled_ = false;
  connection.parse_held();
}

void Connections::flush() {
  std::erase_if(fan_out_.appended, [](FanOutLog* log) { return log->end_turn(); });
  fan_out_.end_input =
      !fan_out_.appended.empty();  // some have more than a turn's share: take nothing new in
  // A flush may touch others only through a session's on_drained. That comes with completions, or
  // here from an output that broke off, and then at most ends another's pause: the list does not
  // grow.
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    touched_[i]->touched_ = false;
    touched_[i]->flush();
  }
  touched_.clear();
}

// Also those that go on in the next turn are given no more: they may have to stop again before they
// are through with what they hold, and would hold more with every turn.
void Connections::settle_stalled() {
  for (Connection* connection : stalled_) {
    connection->stall_listed_ = false;
    if (!connection->stalled_ || connection->state_ != Connection::State::open) continue;
    if (connection->receive_state_ != Connection::ReceiveState::armed) continue;
    ++counters_.input_cancelled;
    connection->cancel_receive();
  }
  stalled_.clear();

  std::size_t left = std::min<std::size_t>(starved_.size(), limits_.feed_ready_max);
  for (; left != 0; --left) starved_.pop()->end_starvation();
}

void Connections::close_aborted() {
  while (!aborted_.empty()) {
    swap_.clear();
    std::swap(swap_, aborted_);
    for (Connection* connection : swap_) connection->close_begin();
  }
  std::erase_if(closing_, [this](Connection* connection) {
    if (connection->state_ != Connection::State::closing) return true;
    if (connection->cancel_sent_ || !std::exchange(connection->shutdown_seen_, true)) return false;
    // The shutdown of the turn before did not end them all.
    connection->cancel_sent_ = true;
    if (connection->receive_state_ == Connection::ReceiveState::armed) {
      io_.cancel(connection->token(connection->receive_kind()));
    }
    if (connection->send_ != nullptr) io_.cancel(connection->token(OpKind::send));
    return false;
  });
}

bool Connections::work_left() const {
  if (!ready_.empty() || !touched_.empty() || !aborted_.empty() || !starved_.empty() ||
      !fan_out_.appended.empty()) {
    return true;
  }
  if (!held_back_.empty() && !post_.congested()) return true;
  for (const Connection* connection : closing_) {
    if (connection->state_ == Connection::State::closing && !connection->cancel_sent_) return true;
  }
  return false;
}

void Connections::drain() {
  draining_ = true;
  for (Connection* connection : slots_) connection->drain();
}

bool Connections::drained() const {
  for (const Connection* connection : slots_) {
    if (connection->state_ == Connection::State::open && !connection->end_delivered_) return false;
  }
  return true;
}

void Connections::close_all(CloseReason reason) {
  for (Connection* connection : slots_) connection->say_farewell(reason);
}

void Connections::abort_all(CloseReason reason) {
  draining_ = true;
  for (Connection* connection : slots_) connection->abort(reason);
}

std::uint32_t Connections::take_closed_count() { return std::exchange(closed_count_, 0); }

SendRequest* Connections::take_request() {
  if (free_requests_.empty()) {
    requests_.push_back(std::make_unique_for_overwrite<SendRequest>());
    return requests_.back().get();
  }
  SendRequest* request = free_requests_.back();
  free_requests_.pop_back();
  return request;
}

void Connections::give_back(SendRequest* request) { free_requests_.push_back(request); }

}  // namespace ringpost::engine
