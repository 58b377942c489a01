#include "protocols/relay/session.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/base/assert.h"
#include "protocols/relay/messages.h"
#include "protocols/relay/scratch.h"
#include "protocols/websocket/close_parser.h"
#include "protocols/websocket/writer.h"

namespace ringpost::relay {

using engine::Bytes;
using engine::CloseReason;
using engine::Message;
using websocket::FrameResult;
using websocket::FrameStatus;
using websocket::Opcode;
namespace close_code = websocket::close_code;

namespace {

// In which scratch grows.
constexpr std::size_t scratch_step = 16 << 10;

}  // namespace

websocket::Errc SessionShared::inflate(Bytes compressed) {
  inflater.begin();
  std::size_t bytes = 0;
  for (;;) {
    inflated.resize(bytes + std::max(bytes, scratch_step));
    const websocket::InflateResult r =
        inflater.next(compressed, true, inflated.data() + bytes, inflated.size() - bytes);
    compressed.remove_prefix(r.consumed);
    bytes += r.produced;
    if (r.status == websocket::InflateStatus::full) continue;
    inflated.resize(bytes);
    return r.errc;
  }
}

void SessionShared::drop_scratch() {
  json.drop_scratch();
  drop_if_large(plain);
  drop_if_large(inflated);
}

std::size_t SessionShared::scratch_bytes() const {
  return json.scratch_bytes() + plain.capacity() + inflated.capacity();
}

Session::Session(SessionShared& shared)
    : shared_(shared),
      parser_(shared.options.limits, websocket::Role::server),
      gathered_(shared.budget),
      replies_(shared.options.replies_max) {}

void Session::claim(const ClientId& id, std::uint64_t user_id, engine::Payload response) {
  id_ = id;
  user = user_id;
  response_ = std::move(response);
  takes_compressed = response_.bytes().find(extensions_field) != Bytes::npos;
  if (takes_compressed) parser_.agree_on(websocket::Compression::deflate);
}

void Session::on_open(engine::Link& link) {
  link_ = &link;
  replies_.open(link);
  replies_.note_told(tell_registry(kind_connected));
  is_member_ = true;
  const Bytes topic = shared_.options.default_topic;
  replies_.note_told(shared_.branch.set_topics(*this, {&topic, 1}));
  replies_.say(std::exchange(response_, {}));
  link.pause();  // what is said in haste waits for the response
  link.set_timer(link.now() + shared_.options.ping_interval);
  settle();
}

// --- Input ---------------------------------------------------------------------------------------

std::size_t Session::on_bytes(Bytes bytes) {
  heard_ = true;
  std::size_t used = 0;
  while (!link_->paused()) {
    if (replies_.full()) {
      ++link_->counters().limit_replies;
      waiting_ = true;
      link_->pause();
      break;
    }
    const FrameResult frame = parser_.next(bytes.substr(used));
    used += frame.consumed;
    if (!take(frame)) break;
  }
  shared_.drop_scratch();
  return used;
}

// False: there is nothing more to be had.
bool Session::take(const FrameResult& frame) {
  switch (frame.status) {
    case FrameStatus::need_more:
      return false;
    case FrameStatus::error:
      fail(frame.errc);
      return false;
    case FrameStatus::control:
      on_control(frame);
      return !has_left();
    case FrameStatus::data:
      return on_data(frame);
  }
  return false;
}

// A message in one piece is dealt with where its mask was taken off; one in several is gathered.
bool Session::on_data(const FrameResult& frame) {
  std::string& plain = shared_.plain;
  plain.resize(frame.payload.size());
  if (!unmask(frame, plain.data())) {
    fail(websocket::Errc::bad_utf8);
    return false;
  }
  if (frame.is_first && frame.is_last) return on_whole(frame, plain);
  if (!plain.empty() && !gathered_.add(plain, link_->buffers())) {
    ++link_->counters().limit_held_bodies;
    leave_for(close_code::too_large, CloseReason::over_budget);
    return false;
  }
  if (!frame.is_last) return true;
  const bool goes_on = on_whole(frame, gathered_.bytes());
  gathered_.clear(link_->buffers());
  return goes_on;
}

// False: it is no UTF-8. Of a compressed text that is seen when it is inflated.
bool Session::unmask(const FrameResult& frame, char* out) {
  if (frame.opcode != Opcode::text || frame.is_compressed) {
    websocket::unmask(out, frame.payload, frame.mask);
    return true;
  }
  if (frame.is_first) utf8_.reset();
  return utf8_.unmask(out, frame.payload, frame.mask) && (!frame.is_last || utf8_.complete());
}

bool Session::on_whole(const FrameResult& last, Bytes message) {
  if (!last.is_compressed) {
    on_message(message);
    return true;
  }
  websocket::Errc errc = shared_.inflate(message);
  const bool is_text = last.opcode == Opcode::text;
  if (errc == websocket::Errc::none && is_text && !websocket::is_utf8(shared_.inflated))
    errc = websocket::Errc::bad_utf8;
  if (errc == websocket::Errc::none) {
    on_message(shared_.inflated);
  } else {
    fail(errc);
  }
  return errc == websocket::Errc::none;
}

// WS-20 to WS-22: only a request for topics means something; "ping" is none.
void Session::on_message(Bytes text) {
  ++link_->counters().requests;
  TopicsRequest request;
  if (shared_.json.parse(text, request) != Errc::none) return;
  bool fits = !request.has_more;
  for (const Bytes topic : request.topics) fits &= topic.size() <= shared_.options.topic_bytes_max;
  if (!fits) {
    ++link_->counters().limit_topics;
    return;
  }
  replies_.note_told(shared_.branch.set_topics(*this, request.topics));
}

void Session::on_control(const FrameResult& frame) {
  char plain[websocket::control_bytes_max];
  websocket::unmask(plain, frame.payload, frame.mask);
  const Bytes payload(plain, frame.payload.size());
  if (frame.opcode == Opcode::close) return on_close_frame(payload);
  if (frame.opcode == Opcode::pong) return;
  replies_.say(make_frame(Opcode::pong, payload));
}

// WS-32
void Session::on_close_frame(Bytes payload) {
  const websocket::CloseResult close = websocket::parse_close(payload);
  if (close.errc == websocket::Errc::bad_close) return fail(close.errc, "Protocol violation");
  if (close.errc != websocket::Errc::none) return fail(close.errc);
  say_close(payload, CloseReason::peer_closed);
}

// X3: what it asked for in front of it is still answered.
void Session::on_end(Bytes) {
  end_reason_ = CloseReason::peer_closed;
  leave(State::leaving);
  settle();
}

// --- Ends ----------------------------------------------------------------------------------------

// WS-34
void Session::fail(websocket::Errc errc, Bytes text) {
  engine::Counters& counters = link_->counters();
  ++counters.protocol_errors;
  const bool too_large =
      errc == websocket::Errc::frame_too_large || errc == websocket::Errc::message_too_large;
  if (too_large) ++counters.limit_frame_too_long;
  leave_for(websocket::close_code_of(errc), CloseReason::protocol_error, text);
}

// What came in is the cause: the Close has its place behind the answers to what came before.
void Session::leave_for(std::uint16_t code, CloseReason reason, Bytes text) {
  std::string payload(websocket::close_code_bytes, '\0');
  websocket::write_close_code(payload.data(), code);
  payload += text;
  say_close(payload, reason);
}

// The last answer, behind the Pongs that are still to leave.
void Session::say_close(Bytes payload, CloseReason reason) {
  link_->pause();
  end_reason_ = reason;
  replies_.note_told(leave(State::leaving));
  replies_.say(make_frame(Opcode::close, payload));
}

// The cause is another one: what is still to be answered is not waited for.
void Session::end(std::uint16_t code, CloseReason reason) {
  if (has_left()) return;
  if (state_ == State::opening) {  // behind the response, which is still to leave
    if (end_code_ != 0) return;
    end_code_ = code;
    end_reason_ = reason;
    return;
  }
  char payload[websocket::close_code_bytes];
  websocket::write_close_code(payload, code);
  write_frame(Opcode::close, {payload, sizeof payload});
  leave(State::closing);
  link_->close_after_flush(reason);
}

// Returns a bit: of the shard whose registry was told, if one was.
std::uint64_t Session::leave(State state) {
  state_ = state;
  if (!std::exchange(is_member_, false)) return 0;
  shared_.branch.leave(*this);
  return tell_registry(kind_disconnected);
}

void Session::on_farewell() { end(close_code::going_away, CloseReason::drain); }

void Session::on_closed(CloseReason) {
  leave(State::closing);
  replies_.clear();
  gathered_.clear(link_->buffers());
}

// --- Output --------------------------------------------------------------------------------------

void Session::deliver(const engine::Payload& frames) {
  if (state_ != State::live) return;
  if (link_->outbox().bytes() > shared_.options.pending_bytes_max) {
    return end(close_code::try_again_later, CloseReason::slow_consumer);
  }
  link_->write(frames);
}

void Session::write_frame(Opcode opcode, Bytes payload) {
  link_->write(make_frame(opcode, payload));
}

engine::Payload Session::make_frame(Opcode opcode, Bytes payload) const {
  const websocket::FrameHeader header{.opcode = opcode, .payload_bytes = payload.size()};
  engine::Payload frame = link_->payloads().make(websocket::header_bytes(header) + payload.size());
  char* const out = websocket::write_header(frame.fill(), header);
  payload.copy(out, payload.size());
  return frame;
}

void Session::on_messages(std::span<const Message> run) {
  for (const Message& message : run) {
    switch (message.kind) {
      case engine::kind_synced:
        if (state_ != State::closing) replies_.synced(message.token);
        break;
      case kind_removed:
        on_removed();
        break;
      default:
        ASSERT(!"a message to a subscriber");
    }
  }
  settle();
}

// WS-31: what was published before comes first. It has its place with an exchange then, and its
// shard's answer comes behind it.
void Session::on_removed() {
  if (has_left() || end_code_ != 0) return;
  replies_.note_told(shared_.branch.homes_of(*this));
  replies_.barrier();
  end_code_ = close_code::normal;
  end_reason_ = CloseReason::peer_closed;
  link_->pause();
}

// Answers may have left: the response to the upgrade is the first of them, a Close the last.
void Session::settle() {
  if (state_ == State::leaving && replies_.empty()) {
    state_ = State::closing;
    return link_->close_after_flush(end_reason_);
  }
  if (state_ == State::opening && replies_.empty()) {
    state_ = State::live;
    if (end_code_ == 0) link_->resume();
  }
  if (state_ == State::live && end_code_ != 0 && replies_.empty()) {
    return end(end_code_, end_reason_);
  }
  if (waiting_ && !replies_.full()) {
    waiting_ = false;
    if (end_code_ == 0) link_->resume();
  }
}

// Returns a bit: of the shard that was told.
std::uint64_t Session::tell_registry(std::uint16_t kind) {
  const engine::ActorRef registry = shared_.places.registry_of(id_);
  put_id(link_->post().tell(registry, link_->self(), kind), id_);
  return std::uint64_t{1} << registry.shard();
}

// Who sends nothing between two Pings, not even the answer to one, is gone. Whose output waits is
// not judged, nor asked: the Ping would stand behind it, and its own words wait as well once it is
// much. WS-30 judges that, and the kernel finds who does not even acknowledge it.
void Session::on_timer() {
  const bool is_asked = state_ == State::live && !link_->paused() && link_->outbox().empty();
  if (is_asked && pinged_ && !heard_) return link_->abort(CloseReason::timed_out);
  pinged_ = is_asked;
  heard_ = false;
  if (is_asked) write_frame(Opcode::ping, {});
  link_->set_timer(link_->now() + shared_.options.ping_interval);
}

}  // namespace ringpost::relay
