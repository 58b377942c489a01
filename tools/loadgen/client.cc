#include "tools/loadgen/client.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "tools/loadgen/generator.h"

namespace ringpost::loadgen {

using engine::Bytes;
using engine::CloseReason;
using engine::Link;

Client::Client(Generator& generator, std::uint64_t number)
    : generator_(generator), number_(number) {}

void Client::connect() {
  ASSERT(state_ == State::idle);
  state_ = State::connecting;
  dial_ = std::make_unique<engine::Dial>(generator_.dialer(), dial_options(), *this);
  dial_->start();
}

const engine::DialOptions& Client::dial_options() const {
  const auto& dials = generator_.plan().dials;
  return dials[number_ % dials.size()];
}

void Client::on_dial_failed(const std::string& error, Nanos retry_in) {
  dial_.reset();
  state_ = State::closed;
  if (retry_in != engine::never) generator_.on_unreachable(*this, error);
}

void Client::on_open(Link& link) {
  link_ = &link;
  dial_.reset();
  link.lead();
  state_ = State::greeting;
  talk_ = generator_.plan().protocol->talk(number_);
  talk_->open(link, *this);
  if (state_ == State::greeting) link.set_timer(link.now() + dial_options().connect_timeout);
}

// The server took the connection, and the greeting did not come in time.
void Client::on_timer() {
  if (state_ != State::greeting) return;
  state_ = State::finishing;
  link_->abort(CloseReason::handshake_timeout);
  generator_.on_unreachable(*this, "cannot begin with " + to_text(dial_options().endpoint) +
                                       ": it took the connection, and its greeting timed out");
}

void Client::on_ready() {
  ASSERT(state_ == State::greeting);
  state_ = State::ready;
  link_->cancel_timer();
  if (in_flight_count_ != 0) talk_->request(in_flight_count_);  // once more: see on_retired
  generator_.on_client_ready(*this);
}

std::uint64_t Client::room(std::uint64_t bytes_max) const {
  const std::uint64_t waiting = link_->outbox().bytes();
  if (waiting >= bytes_max) return 0;
  return std::max<std::uint64_t>(talk_->fitting(bytes_max - waiting), waiting == 0 ? 1 : 0);
}

void Client::send(const Batch& batch) {
  DASSERT(ready() && batch.count != 0);
  batches_.push(batch);
  in_flight_count_ += batch.count;
  sent_count_ += batch.count;
  talk_->request(batch.count);
}

void Client::conclude() {
  if (ready()) talk_->conclude();
}

void Client::poke() {
  if (ready() || state_ == State::greeting) talk_->poke();
}

// --- What comes --------------------------------------------------------------------------------

std::size_t Client::on_bytes(Bytes bytes) {
  const std::size_t used = talk_->read(bytes);
  if (state_ == State::ready) generator_.on_room(*this);
  if (state_ == State::leaving) leave_if_idle();
  return used;
}

void Client::on_drained() {
  if (state_ == State::ready) generator_.on_room(*this);
}

// Answers to nothing are no answers.
std::uint64_t Client::limit_to(std::uint64_t unanswered, std::uint64_t count) {
  if (count <= unanswered) [[likely]]
    return count;
  on_fault({FaultKind::unexpected, 0,
            std::to_string(count - unanswered) + " more replies than requests"});
  return unanswered;
}

template <typename Take>
void Client::take(std::uint64_t count, Take&& take_part) {
  count = limit_to(in_flight_count_, count);
  in_flight_count_ -= count;
  while (count != 0) {
    Batch& batch = batches_.front();
    Batch part = batch;
    part.count = std::min(count, batch.count);
    count -= part.count;
    batch.count -= part.count;
    batch.first += part.count;
    if (batch.count == 0) batches_.pop();
    take_part(part);
  }
}

void Client::on_replies(std::uint64_t count) {
  const Nanos now = link_->now();
  take(count, [&](const Batch& part) { generator_.on_answered(part, now); });
}

void Client::on_failed(std::uint64_t count) {
  take(count, [&](const Batch& part) { generator_.on_failed(part.count); });
}

void Client::settle(std::uint64_t count) {
  const std::uint64_t settled = sent_count_ - in_flight_count_;
  if (count <= settled) return;
  take(count - settled, [](const Batch&) {});
}

void Client::on_deliveries(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count) {
  generator_.on_delivered(sender, sequence, count, link_->now());
}

void Client::on_missed(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count) {
  generator_.on_missed(sender, sequence, count);
}

void Client::on_acknowledged(std::uint64_t count) {
  acknowledged_count_ += limit_to(sent_count_ - acknowledged_count_, count);
  generator_.on_acknowledged(*this);
}

void Client::on_fault(Fault fault) { generator_.on_fault(*this, std::move(fault)); }

void Client::on_statuses(std::uint16_t status, std::uint64_t count) {
  generator_.on_statuses(status, count);
}

void Client::on_retired() {
  if (state_ != State::ready && state_ != State::leaving) return;
  if (ready()) generator_.on_client_leaving();
  state_ = State::renewing;
  link_->close_after_flush(CloseReason::peer_closed);
}

void Client::on_goodbye(std::string why) {
  generator_.on_goodbye(*this, why);
  finish();
}

void Client::on_lost_track() {
  generator_.on_lost(*this, "out of step", "what the server says makes no sense any more");
  finish();
}

std::uint64_t Client::give_up_in_flight() {
  batches_.clear();
  return std::exchange(in_flight_count_, 0);
}

// --- The end -----------------------------------------------------------------------------------

void Client::leave() {
  if (!ready()) return;
  generator_.on_client_leaving();
  state_ = State::leaving;
  leave_if_idle();
}

void Client::leave_if_idle() {
  if (in_flight_count_ != 0) return;
  talk_->finish();
  link_->close_after_flush(CloseReason::peer_closed);
}

void Client::finish() {
  if (state_ == State::idle) state_ = State::closed;
  if (link_ == nullptr || state_ == State::finishing) return;
  if (ready()) generator_.on_client_leaving();
  if (state_ == State::greeting) generator_.on_greeting_lost();
  state_ = State::finishing;
  talk_->finish();
  link_->close_after_flush(CloseReason::peer_closed);
}

void Client::on_end(Bytes rest) {
  ended_by_server_ = true;
  talk_->ended(rest);
  link_->close_after_flush(CloseReason::peer_closed);
}

void Client::on_messages(std::span<const engine::Message>) { ASSERT(false); }

void Client::on_drain() { finish(); }

void Client::on_closed(CloseReason reason) {
  const bool has_left = state_ == State::leaving && in_flight_count_ == 0;
  const bool comes_back = has_left || state_ == State::renewing;
  const bool is_expected = state_ == State::finishing || comes_back;
  if (!is_expected) talk_->finish();
  if (ready()) generator_.on_client_leaving();
  if (state_ == State::greeting) generator_.on_greeting_lost();
  link_ = nullptr;
  if (comes_back) {
    ended_by_server_ = false;
    state_ = State::idle;
    left_at_ = generator_.now();
    return generator_.on_client_left(*this);
  }
  state_ = State::closed;
  if (!is_expected) {
    const std::string what = ended_by_server_ ? "closed" : std::string(to_text(reason));
    generator_.on_lost(
        *this, what,
        ended_by_server_ ? "the server closed a connection" : "a connection ended: " + what);
  }
  generator_.on_client_closed();
}

}  // namespace ringpost::loadgen
