#include "protocols/orders/session.h"

#include <utility>

#include "engine/base/assert.h"
#include "protocols/orders/messages.h"
#include "protocols/orders/writer.h"

namespace ringpost::orders {

using engine::Bytes;
using engine::Message;

Session::Session(SessionShared& shared)
    : shared_(shared),
      parser_(line::LineEnd::any, shared.options.line_bytes_max),
      replies_(shared.options.replies_max) {}

void Session::on_open(engine::Link& link) {
  link_ = &link;
  replies_.open(link);
}

std::size_t Session::on_bytes(Bytes bytes) {
  std::size_t used = 0;
  std::uint64_t requests = 0;
  while (!link_->paused()) {
    if (!may_ask()) {
      ++link_->counters().limit_replies;
      waiting_ = true;
      link_->pause();
      break;
    }
    const line::LineResult result = parser_.next(bytes.substr(used));
    used += result.consumed;
    if (result.status == line::LineStatus::need_more) break;
    ++requests;
    if (result.status == line::LineStatus::line) {
      on_line(result.line);
    } else {
      ++link_->counters().limit_line_too_long;
      ask_state();
      on_error(Errc::line_too_long);
    }
  }
  ask_state();
  link_->counters().requests += requests;
  return used;
}

// One answer may pass the output's high mark, but no second is asked for above it: as many state
// lines may be outstanding as fit under the mark, if they are as long as the last one. Before the
// first, just one. The other answers are a few bytes each: their number bounds them.
bool Session::may_ask() const {
  if (replies_.size() + gets_ >= shared_.options.replies_max) return false;
  const std::uint64_t lines = states_asked_ + gets_;
  if (lines == 0) return true;
  return shared_.state_bytes != 0 && lines * shared_.state_bytes <= link_->output_high_bytes();
}

void Session::on_line(Bytes line) {
  const Command command = parse(line);
  if (command.kind == CommandKind::get) {
    ++gets_;
    return;
  }
  ask_state();
  switch (command.kind) {
    case CommandKind::get:
      return;
    case CommandKind::buy:
      return on_buy(command);
    case CommandKind::error:
      return on_error(command.errc);
  }
}

// GETs with nothing between them see one state: they are asked as one, and its line is written for
// each.
void Session::ask_state() {
  if (gets_ == 0) return;
  replies_.ask(shared_.options.book, kind_get, gets_).value = gets_;
  states_asked_ += std::exchange(gets_, 0);
}

void Session::on_buy(const Command& command) {
  Message& message = shared_.options.acknowledge ? replies_.ask(shared_.options.book, kind_buy)
                                                 : replies_.tell(shared_.options.book, kind_buy);
  put_buy(message, command.amount, command.ticker, link_->payloads());
}

void Session::on_error(Errc errc) {
  ++link_->counters().protocol_errors;
  replies_.say(error_line(errc));
}

void Session::on_end(Bytes rest) {
  if (const auto last = parser_.finish(rest)) {  // OB-2
    ++link_->counters().requests;
    on_line(*last);
    ask_state();
  }
  replies_.barrier();
  ended_ = true;
  close_when_answered();
}

void Session::on_messages(std::span<const Message> run) {
  for (const Message& message : run) on_answer(message);
  if (waiting_ && may_ask()) {
    waiting_ = false;
    link_->resume();
  }
  close_when_answered();
}

void Session::on_answer(const Message& message) {
  switch (message.kind) {
    case kind_state: {
      engine::Payload line = engine::take_payload(message);
      shared_.state_bytes = line.bytes().size();
      states_asked_ -= message.value;
      return replies_.resolve(message.token, std::move(line));
    }
    case kind_buy_done:
      return replies_.resolve(message.token, ack_line(message.value != 0));
    case kind_buy_error: {
      const Errc errc = static_cast<Errc>(message.value);
      ++link_->counters().limit_tickers;
      ++link_->counters().protocol_errors;
      if (shared_.options.acknowledge) return replies_.resolve(message.token, error_line(errc));
      return replies_.insert(message.token, error_line(errc));
    }
    case engine::kind_synced:
      return replies_.synced(message.token);
    default:
      ASSERT(!"an answer of the book");
  }
}

void Session::close_when_answered() {
  if (ended_ && replies_.empty()) link_->close_after_flush(engine::CloseReason::peer_closed);
}

void Session::on_closed(engine::CloseReason) { replies_.clear(); }

}  // namespace ringpost::orders
