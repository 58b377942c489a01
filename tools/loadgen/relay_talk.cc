#include "tools/loadgen/relay_talk.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "protocols/websocket/close_parser.h"
#include "protocols/websocket/handshake.h"
#include "protocols/websocket/unmask.h"
#include "protocols/websocket/writer.h"
#include "tools/loadgen/excerpt.h"
#include "tools/loadgen/message_writer.h"

namespace ringpost::loadgen {

namespace {

using websocket::Opcode;

constexpr Bytes body_tail = "\"}";
// The Ping behind the request for a topic.
constexpr Bytes token = "subscribed";
// Answers before the upgrade, and messages.
constexpr std::uint64_t body_bytes_max = 64 * 1024;
constexpr std::uint64_t message_bytes_max = std::uint64_t{64} << 20;
// Requests are written in pieces of about that size.
constexpr std::size_t piece_bytes = 16 * 1024;

SizeRange text_sizes(const SizeRange& sizes) {
  ASSERT(sizes.min >= RelayScript::message_bytes_min);
  return {sizes.min - sender_prefix_bytes, sizes.max - sender_prefix_bytes};
}

HttpOptions publication_options() {
  HttpOptions options;
  options.method = "POST";
  options.expect_status = 200;
  return options;
}

std::string base_of(const std::string& path) {
  std::string base = path.substr(0, path.find('?'));
  while (base.ends_with('/')) base.pop_back();
  return base;
}

// The string behind "url" in an object of JSON; empty if there is none.
std::string url_in(Bytes json) {
  constexpr Bytes name = "\"url\"", blanks = " \t\r\n";
  std::size_t at = json.find(name);
  if (at == Bytes::npos) return "";
  at = json.find_first_not_of(blanks, at + name.size());
  if (at == Bytes::npos || json[at] != ':') return "";
  at = json.find_first_not_of(blanks, at + 1);
  if (at == Bytes::npos || json[at] != '"') return "";
  const std::size_t end = json.find('"', at + 1);
  if (end == Bytes::npos) return "";
  std::string url(json.substr(at + 1, end - at - 1));
  std::erase(url, '\\');  // JSON may have one in front of a slash
  return url;
}

// Of a URL. Empty: it has none that can be asked for.
std::string path_of(const std::string& url) {
  const std::size_t host = url.find("://");
  const std::size_t path = host == std::string::npos ? 0 : url.find('/', host + 3);
  if (path == std::string::npos || !url.substr(path).starts_with('/')) return "";
  return http::all_in(http::target_bytes, Bytes(url).substr(path)) ? url.substr(path) : "";
}

// 16 random bytes in base64 (RFC 6455 section 4.1).
std::string make_key(engine::Prng& prng) {
  constexpr Bytes letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr Bytes last_letters = "AQgw";  // two bits of a byte, and zeros
  std::string key;
  for (int i = 0; i < 21; ++i) key += letters[prng.below(letters.size())];
  key += last_letters[prng.below(last_letters.size())];
  return key + "==";
}

}  // namespace

RelayScript::RelayScript(const RelayOptions& relay_options, const Target& target)
    : options(relay_options),
      host(engine::to_text(target.endpoint)),
      base(base_of(target.path)),
      texts(make_text_script(text_sizes(options.size), Wrapping::none, options.seed)),
      publications(publication_options(), "POST"),
      http_limits{.body_bytes_max = body_bytes_max},
      frame_limits{.frame_bytes_max = message_bytes_max, .message_bytes_max = message_bytes_max} {}

std::string RelayScript::topic_of(std::uint64_t number) const {
  return "load-" + options.run + "-" + std::to_string(number);
}

std::unique_ptr<Talk> RelayProtocol::talk(std::uint64_t connection) const {
  if (connection < script_.options.senders) {
    return std::make_unique<RelayPublisher>(script_, connection);
  }
  return std::make_unique<RelaySubscriber>(script_, connection);
}

// --- Publishing ----------------------------------------------------------------------------------

RelayPublisher::RelayPublisher(const RelayScript& script, std::uint64_t connection)
    : script_(script),
      answers_(script.publications),
      next_text_(first_message(script.texts, connection)),
      body_head_("{\"topic\":\"" + script.topic_of(script.topic_number(connection)) +
                 "\",\"message\":\"" + sender_prefix(connection)) {
  make_head(script.texts.message_bytes_max());
}

void RelayPublisher::make_head(std::size_t text_bytes) {
  const std::size_t body_bytes = body_head_.size() + text_bytes + body_tail.size();
  head_ = "POST " + script_.base + "/publish HTTP/1.1\r\nhost: " + script_.host +
          "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body_bytes) +
          "\r\n\r\n" + body_head_;
  head_is_for_ = text_bytes;
}

void RelayPublisher::open(engine::Link& link, TalkTarget& target) {
  link_ = &link;
  target_ = &target;
  answers_.open(link, on_answers_);
  target.on_ready();
}

void RelayPublisher::request(std::uint64_t count) {
  for (; count != 0; --count) {
    const Bytes text = script_.texts.message(next_text_);
    if (text.size() != head_is_for_) make_head(text.size());
    out_ += head_;
    out_ += text;
    out_ += body_tail;
    next_text_ = next_text_ + 1 == script_.texts.message_count() ? 0 : next_text_ + 1;
    if (count == 1 || out_.size() >= piece_bytes) {
      link_->write(out_);
      out_.clear();
    }
  }
}

std::uint64_t RelayPublisher::fitting(std::uint64_t bytes_max) const {
  return bytes_max / (head_.size() + script_.texts.message_bytes_max() + body_tail.size());
}

void RelayPublisher::Answers::on_statuses(std::uint16_t status, std::uint64_t count) {
  status_ = status;
  publisher_.target_->on_statuses(status, count);
}

void RelayPublisher::Answers::on_failed(std::uint64_t count) {
  if (status_ == 200 || status_ == 0) return on_acknowledged(count);  // a fault was told
  publisher_.target_->on_goodbye("POST /publish was answered by status " + std::to_string(status_));
}

void RelayPublisher::Answers::on_retired() {
  publisher_.target_->on_goodbye("the server ended the connection of a publisher");
}

// --- Subscribing ---------------------------------------------------------------------------------

RelaySubscriber::RelaySubscriber(const RelayScript& script, std::uint64_t connection)
    : script_(script),
      connection_(connection),
      prng_(script.options.seed + connection),
      head_parser_(script.http_limits, false),
      body_parser_(script.http_limits),
      frame_parser_(script.frame_limits, websocket::Role::client),
      heard_(script.texts, script.options.senders) {}

void RelaySubscriber::open(engine::Link& link, TalkTarget& target) {
  link_ = &link;
  target_ = &target;
  heard_.set_target(target);
  const std::string body = "{\"user_id\":" + std::to_string(connection_) + "}";
  link.write("POST " + script_.base + "/register HTTP/1.1\r\nhost: " + script_.host +
             "\r\ncontent-type: application/json\r\ncontent-length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body);
}

std::size_t RelaySubscriber::read(Bytes bytes) {
  std::size_t used = 0;
  while (state_ == State::registering || state_ == State::upgrading) {
    const Bytes rest = bytes.substr(used);
    const auto step = in_body_ ? read_body(rest) : read_response(rest);
    if (!step) return used;
    used += *step;
  }
  if (state_ != State::over) used += read_frames(bytes.substr(used));
  heard_.tell_run();
  return state_ == State::over ? bytes.size() : used;
}

// Nothing more is of use here.
void RelaySubscriber::refuse(std::string why) {
  heard_.tell_run();
  state_ = State::over;
  target_->on_goodbye(std::move(why));
}

// --- ... over HTTP

std::optional<std::size_t> RelaySubscriber::read_response(Bytes rest) {
  if (rest.empty()) return std::nullopt;
  http::ResponseHead head;
  const http::HeadResult result = head_parser_.next(rest, head);
  if (result.status == http::HeadStatus::need_more) return std::nullopt;
  if (result.status == http::HeadStatus::error) {
    refuse("no HTTP response: " + excerpt(rest.substr(result.consumed), 60));
    return result.consumed;
  }
  if (head.is_interim()) return result.consumed;
  status_ = head.status;
  if (state_ == State::upgrading) {
    on_upgrade(head);
    return result.consumed;
  }
  const http::Errc errc = body_parser_.begin(head.body, head.content_length);
  if (errc != http::Errc::none || !head.keep_alive) {
    refuse("POST /register was answered by status " + std::to_string(status_) +
           " and the end of the connection");
  }
  in_body_ = head.body != http::BodyKind::none;
  if (!in_body_) on_registered();
  return result.consumed;
}

std::optional<std::size_t> RelaySubscriber::read_body(Bytes rest) {
  const http::BodyResult result = body_parser_.next(rest);
  switch (result.status) {
    case http::BodyStatus::content:
      body_ += result.content;
      return result.consumed;
    case http::BodyStatus::need_more:
      if (rest.empty()) return std::nullopt;
      return result.consumed;
    case http::BodyStatus::end:
      on_registered();
      return result.consumed;
    case http::BodyStatus::error:
      refuse("POST /register has an answer that ends wrongly");
      return result.consumed;
  }
  return std::nullopt;
}

void RelaySubscriber::on_registered() {
  in_body_ = false;
  if (state_ != State::registering) return;
  const std::string path = path_of(url_in(body_));
  if (status_ != 200 || path.empty()) {
    return refuse("POST /register was answered by status " + std::to_string(status_) + ": " +
                  excerpt(body_, 60));
  }
  state_ = State::upgrading;
  key_ = make_key(prng_);
  link_->write("GET " + path + " HTTP/1.1\r\nhost: " + script_.host +
               "\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
               "sec-websocket-key: " +
               key_ + "\r\n\r\n");
  body_ = {};
}

// RFC 6455 section 4.1
void RelaySubscriber::on_upgrade(const http::ResponseHead& head) {
  if (head.status != 101) {
    return refuse("the WebSocket was refused by status " + std::to_string(head.status));
  }
  const auto accept = websocket::accept_key(key_);
  const bool is_right =
      head.wants_upgrade && http::equals_ignoring_case(head.find("upgrade"), "websocket") &&
      head.find("sec-websocket-accept") == Bytes(accept.data(), accept.size()) &&
      head.find("sec-websocket-extensions").empty() && head.find("sec-websocket-protocol").empty();
  if (!is_right) return refuse("the WebSocket was accepted with wrong fields");
  state_ = State::subscribing;
  send_frame(Opcode::text,
             "{\"topics\":[\"" + script_.topic_of(script_.topic_number(connection_)) + "\"]}");
  send_frame(Opcode::ping, token);
}

// --- ... over WebSocket

void RelaySubscriber::send_frame(Opcode opcode, Bytes payload) {
  const websocket::Mask mask(static_cast<std::uint32_t>(prng_.next()));
  const websocket::FrameHeader header{
      .opcode = opcode, .payload_bytes = payload.size(), .is_fin = true, .mask = mask};
  std::string frame(websocket::header_bytes(header) + payload.size(), '\0');
  websocket::unmask(websocket::write_header(frame.data(), header), payload, mask);
  link_->write(frame);
}

// Whole messages in one short frame lie in the input as they are; the parser sees only others.
std::size_t RelaySubscriber::read_frames(Bytes rest) {
  constexpr char text_frame = static_cast<char>(0x81);
  std::size_t used = 0;
  while (state_ != State::over) {
    const Bytes frame = rest.substr(used);
    if (frame.size() >= 2 && frame[0] == text_frame && !within_message_) [[likely]] {
      const auto length = static_cast<unsigned char>(frame[1]);
      if (length <= websocket::control_bytes_max) {
        if (frame.size() < 2u + length) break;
        on_message(frame.substr(2, length));
        used += 2u + length;
        continue;
      }
    }
    const auto other = read_other_frame(frame);
    if (!other) break;
    used += *other;
  }
  return used;
}

std::optional<std::size_t> RelaySubscriber::read_other_frame(Bytes rest) {
  if (rest.empty()) return std::nullopt;
  const websocket::FrameResult result = frame_parser_.next(rest);
  switch (result.status) {
    case websocket::FrameStatus::need_more:
      if (result.consumed == 0) return std::nullopt;
      within_message_ = true;
      return result.consumed;
    case websocket::FrameStatus::control:
      on_control(result.opcode, result.payload);
      return result.consumed;
    case websocket::FrameStatus::error:
      heard_.tell_run();
      state_ = State::over;
      target_->on_fault({FaultKind::corrupt, 0, "no WebSocket frame: " + excerpt(rest, 16)});
      target_->on_lost_track();
      return rest.size();
    case websocket::FrameStatus::data:
      break;
  }
  within_message_ = !result.is_last;
  if (result.is_first && result.is_last) {
    on_message(result.payload);
    return result.consumed;
  }
  message_ += result.payload;
  if (result.is_last) {
    on_message(message_);
    message_.clear();
  }
  return result.consumed;
}

void RelaySubscriber::on_message(Bytes message) {
  const std::uint64_t sender = message.size() < sender_prefix_bytes ? nobody : sender_of(message);
  const bool is_ours = sender < script_.options.senders &&
                       script_.topic_number(sender) == script_.topic_number(connection_);
  if (!is_ours) [[unlikely]] {
    heard_.tell_run();
    return target_->on_fault(
        {FaultKind::unexpected, 0, "a message of nobody here: " + excerpt(message, 60)});
  }
  const Bytes text = message.substr(sender_prefix_bytes);
  if (text == heard_.due(sender)) [[likely]] {
    heard_.hear(sender);
  } else {
    heard_.hear_other(sender, text);
  }
}

void RelaySubscriber::on_control(Opcode opcode, Bytes payload) {
  if (opcode == Opcode::ping) return send_frame(Opcode::pong, payload);
  if (opcode == Opcode::pong) {
    if (state_ != State::subscribing || payload != token) return;
    state_ = State::listening;
    return target_->on_ready();
  }
  const websocket::CloseResult close = websocket::parse_close(payload);
  send_frame(Opcode::close, payload.substr(0, websocket::close_code_bytes));
  std::string why = "the server closed a WebSocket";
  if (close.code != 0) why += " with code " + std::to_string(close.code);
  refuse(close.reason.empty() ? why : why + ": " + excerpt(close.reason, 60));
}

}  // namespace ringpost::loadgen
