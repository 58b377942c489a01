#include "protocols/http/session.h"

#include <utility>

#include "engine/base/assert.h"

namespace ringpost::http {

using engine::CloseReason;
using engine::Message;
using engine::Nanos;
using engine::Payload;

Bytes SessionShared::date_at(Nanos now) {
  if (now >= second_ends) {
    const Nanos unix_nanos = clock.unix_nanos();
    unix_s = unix_nanos / engine::nanos_per_s;
    second_ends = now + engine::nanos_per_s - unix_nanos % engine::nanos_per_s;
  }
  return date.at(unix_s);
}

Session::Session(SessionShared& shared)
    : shared_(shared),
      head_(shared.options.limits),
      body_(shared.options.limits),
      content_(shared.budget),
      replies_(shared.options.replies_max) {}

void Session::on_open(engine::Link& link) {
  link_ = &link;
  replies_.open(link);
  set_deadline(link.now() + shared_.options.idle_timeout);
}

// --- Input ---------------------------------------------------------------------------------------

std::size_t Session::on_bytes(Bytes bytes) {
  std::size_t used = 0;
  while (used != bytes.size() && !link_->paused()) {
    if (replies_.full()) {
      ++link_->counters().limit_replies;
      wait();
      break;
    }
    const Bytes rest = bytes.substr(used);
    const std::size_t done = state_ == State::head ? on_head(rest) : on_body(rest);
    if (done == 0) break;
    used += done;
  }
  const Phase now_in = phase();
  if (now_in != phase_ || progressed_) {
    const SessionOptions& options = shared_.options;
    const Nanos timeout = now_in == Phase::idle   ? options.idle_timeout
                          : now_in == Phase::head ? options.head_timeout
                                                  : options.body_timeout;
    phase_ = now_in;
    progressed_ = false;
    set_deadline(link_->now() + timeout);
  }
  return used;
}

std::size_t Session::on_head(Bytes bytes) {
  Request& request = shared_.request;
  const HeadResult head = head_.next(bytes, request);
  if (head.status == HeadStatus::need_more) return head.consumed;
  if (head.status == HeadStatus::error) {
    fail(head.errc);
    return 0;
  }
  if (request.wants_upgrade && !replies_.empty()) {  // it is parsed anew when they are
    wait();
    return 0;
  }
  ++link_->counters().requests;
  progressed_ = true;
  is_head_ = request.method == Method::head;
  const Routes::Match match = shared_.routes.find(request.method, request.path);
  const Errc errc = body_.begin(request);
  const bool accepted = accept(request, match, errc);
  if (state_ == State::closing) return head.consumed;
  const Bytes rest = bytes.substr(head.consumed);
  if (request.body == BodyKind::none) {
    if (accepted) match.handler->on_request(*this, request, match.parameter, {});
    request_done();
    return head.consumed;
  }
  if (accepted && request.body == BodyKind::length && rest.size() >= request.content_length) {
    const auto content_bytes = static_cast<std::size_t>(request.content_length);
    match.handler->on_request(*this, request, match.parameter, rest.substr(0, content_bytes));
    request_done();
    return head.consumed + content_bytes;
  }
  state_ = accepted ? State::body : State::skip;
  if (accepted && request.expects_continue && rest.empty()) send({.status = 100});
  if (accepted && !gather(bytes.substr(0, head.consumed))) return head.consumed;
  return head.consumed + on_body(rest);
}

// Whether the request's content is wanted; if it is not, the request is answered. Behind an answer
// that comes before a content that may be long, or may not come at all, the connection ends.
bool Session::accept(const Request& request, const Routes::Match& match, Errc errc) {
  last_ = !request.keep_alive || errc != Errc::none || request.expects_continue;
  const bool is_options =
      request.method == Method::options && !shared_.options.options_fields.empty();
  if (is_options || match.handler == nullptr) {
    answer_without_route(request, match);
  } else if (match.handler->on_head(*this, request, match.parameter)) {
    last_ = !request.keep_alive;
    if (errc == Errc::none) return true;
    fail(errc);
    return false;
  }
  if (last_ && request.body != BodyKind::none) {
    state_ = State::closing;
    link_->pause();
    close_when_answered();
  }
  return false;
}

void Session::answer_without_route(const Request& request, const Routes::Match& match) {
  if (request.method == Method::options && !shared_.options.options_fields.empty()) {
    return respond({.fields = shared_.options.options_fields});
  }
  if (match.allow.empty()) return respond({.status = 404});
  std::string fields = "allow: ";
  fields += match.allow;
  fields += "\r\n";
  respond({.status = 405, .fields = fields});
}

std::size_t Session::on_body(Bytes bytes) {
  std::size_t used = 0;
  for (;;) {
    const BodyResult piece = body_.next(bytes.substr(used));
    used += piece.consumed;
    switch (piece.status) {
      case BodyStatus::content:
        if (state_ == State::body && !gather(piece.content)) return used;
        break;
      case BodyStatus::end:
        if (std::exchange(state_, State::head) == State::body) dispatch_gathered();
        request_done();
        return used;
      case BodyStatus::need_more:
        return used;
      case BodyStatus::error:
        fail(piece.errc);
        return used;
    }
  }
}

bool Session::gather(Bytes bytes) {
  if (content_.add(bytes, link_->buffers())) return true;
  ++link_->counters().limit_held_bodies;
  end(503, {}, CloseReason::over_budget);
  return false;
}

void Session::dispatch_gathered() {
  Request& request = shared_.request;
  RequestParser again(shared_.options.limits);
  const HeadResult head = again.next(content_.bytes(), request);
  ASSERT(head.status == HeadStatus::head);
  const Routes::Match match = shared_.routes.find(request.method, request.path);
  match.handler->on_request(*this, request, match.parameter,
                            content_.bytes().substr(head.consumed));
  content_.clear(link_->buffers());
}

void Session::request_done() {
  progressed_ = true;
  if (state_ == State::upgrading || !last_) return;
  state_ = State::closing;
  link_->pause();
  close_when_answered();
}

// What is behind cannot be read; what came before is still answered (X4).
void Session::fail(Errc errc) {
  engine::Counters& counters = link_->counters();
  ++counters.protocol_errors;
  if (errc == Errc::head_too_large || errc == Errc::target_too_long)
    ++counters.limit_head_too_large;
  if (errc == Errc::body_too_large) ++counters.limit_body_too_large;
  const Bytes text = errc == Errc::body_too_large
                         ? Bytes("Failed to buffer the request body: length limit exceeded")
                         : Bytes();
  end(status_of(errc), text, CloseReason::protocol_error);
}

void Session::end(std::uint16_t status, Bytes text, CloseReason reason) {
  // A request has one response (RFC 9110 section 15): what is wrong with a body that was answered
  // already only ends the connection.
  const bool is_answered = state_ == State::skip;
  last_ = true;
  reason_ = reason;
  state_ = State::closing;
  link_->pause();
  content_.clear(link_->buffers());
  if (!is_answered) {
    respond({.status = status,
             .content_type = text.empty() ? Bytes() : Bytes("text/plain; charset=utf-8"),
             .content = text});
  }
  close_when_answered();
}

void Session::on_end(Bytes) {
  last_ = true;
  state_ = State::closing;
  content_.clear(link_->buffers());
  close_when_answered();
}

// --- Answers -------------------------------------------------------------------------------------

void Session::respond(Response response) {
  response.leave_content_out = is_head_;
  response.close = last_;
  send(response);
}

void Session::send(const Response& plain) {
  Response response = plain;
  response.common_fields = shared_.options.fields;
  const std::size_t bytes = response_bytes(response);
  if (!replies_.empty() || bytes > engine::Outbox::reserve_bytes_max) {
    return replies_.say(as_payload(response));
  }
  write_response(link_->reserve(bytes), response, shared_.date_at(link_->now()));
  link_->commit(bytes);
}

Payload Session::as_payload(const Response& response) {
  Payload payload = link_->payloads().make(response_bytes(response));
  write_response(payload.fill(), response, shared_.date_at(link_->now()));
  return payload;
}

Message& Session::ask(engine::ActorRef to, std::uint16_t kind) { return replies_.ask(to, kind); }

Message& Session::ask_to_upgrade(engine::ActorRef to, std::uint16_t kind) {
  ASSERT(replies_.empty());
  state_ = State::upgrading;
  link_->pause();
  return replies_.ask(to, kind);
}

void Session::resolve(std::uint64_t token, Response response) {
  response.common_fields = shared_.options.fields;
  response.close = last_ && replies_.is_last(token);
  replies_.resolve(token, as_payload(response));
  if (state_ != State::upgrading) return;
  state_ = State::head;
  request_done();
  if (state_ == State::head) link_->resume();
}

void Session::upgrade(engine::Session& next, engine::Service& owner) {
  ASSERT(state_ == State::upgrading);
  link_->become(next, owner);
}

Payload Session::upgrade_response(Bytes fields) {
  return as_payload({.status = 101, .fields = fields, .common_fields = shared_.options.fields});
}

void Session::on_messages(std::span<const Message> run) {
  for (const Message& message : run) {
    if (message.kind == engine::kind_gone) {
      resolve(message.token, {.status = 503});
    } else {
      shared_.routes.answered(message.kind).on_answer(*this, message);
    }
  }
  if (waiting_ && !replies_.full()) go_on();
  close_when_answered();
}

void Session::wait() {
  waiting_ = true;
  link_->pause();
}

void Session::go_on() {
  waiting_ = false;
  link_->resume();
}

void Session::close_when_answered() {
  if (state_ == State::closing && replies_.empty()) link_->close_after_flush(reason_);
}

// --- Time ----------------------------------------------------------------------------------------

Session::Phase Session::phase() const {
  if (state_ == State::body || state_ == State::skip) return Phase::body;
  return state_ == State::head && head_.is_within() ? Phase::head : Phase::idle;
}

void Session::set_deadline(Nanos deadline) {
  deadline_ = deadline;
  if (timer_at_ != 0 && timer_at_ <= deadline) return;
  timer_at_ = deadline;
  link_->set_timer(deadline);
}

void Session::on_timer() {
  timer_at_ = 0;
  const Nanos now = link_->now();
  if (now < deadline_) return set_deadline(deadline_);
  // Our own answers are what is waited for, or the peer takes them slowly.
  if (!replies_.empty() || !link_->outbox().empty()) {
    return set_deadline(now + shared_.options.idle_timeout);
  }
  if (phase_ == Phase::idle) return link_->close_after_flush(CloseReason::idle_timeout);
  end(408, {}, CloseReason::request_timeout);
}

void Session::on_closed(CloseReason) {
  replies_.clear();
  content_.clear(link_->buffers());
}

}  // namespace ringpost::http
