#include "tests/sim/message_relay_client.h"

#include <algorithm>
#include <cinttypes>
#include <utility>

#include "protocols/relay/writer.h"
#include "protocols/websocket/writer.h"

namespace ringpost::sim {

using engine::CloseReason;
using websocket::FrameStatus;
using websocket::Opcode;
namespace close_code = websocket::close_code;

namespace {

constexpr std::string_view url_front = R"({"url":"ws://sim.test/ws/)";

std::string json_string(const std::string& text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + '"';
}

}  // namespace

MessageRelayClient::MessageRelayClient(Scenario& scenario, const MessageRelaySetting& setting,
                                       MessageRelayLedger& ledger, std::uint32_t number)
    : ScenarioClient(scenario, number,
                     {Habit::talks, Habit::talks, Habit::silent, Habit::stops_reading,
                      Habit::stops_reading, Habit::half_closes, Habit::ends_inside_a_message,
                      Habit::says_too_long, Habit::resets, Habit::closes}),
      scenario_(scenario),
      setting_(setting),
      ledger_(ledger),
      is_subscriber_(!scenario.world().prng().one_in(3)),
      user_(scenario.world().prng().below(3)),
      responses_(limits_, false),
      frames_(frame_limits_, websocket::Role::client) {
  wishes_.push_back({.topics = {0}, .ping = ""});
}

// --- What it says over HTTP ----------------------------------------------------------------------

void MessageRelayClient::say() {
  engine::Prng& prng = world().prng();
  if (is_cut_off_ || has_sent_close_) return;
  if (stage_ == Stage::subscribed) return say_as_subscriber();
  if (stage_ == Stage::closed) return;
  // Some do not wait for the response.
  if (stage_ == Stage::upgrading) {
    if (!prng.one_in(8)) return;
    was_hasty_ = true;
    return say_as_subscriber();
  }
  if (is_subscriber_ && prng.one_in(2)) return go_on_to_subscribe();
  ask_something();
}

void MessageRelayClient::go_on_to_subscribe() {
  engine::Prng& prng = world().prng();
  if (prng.one_in(8) && !ledger_.ids().empty()) return ask_to_upgrade(random_id());
  if (!id_.empty()) return ask_to_upgrade(id_);
  if (!std::exchange(has_asked_for_id_, true)) ask_to_enroll();
}

void MessageRelayClient::ask_something() {
  // Somebody who has just gone must not be found, not even now.
  if (const std::string gone = ledger_.take_gone(); !gone.empty()) return ask_to_remove(gone);
  const std::uint64_t draw = world().prng().below(16);
  if (draw < 10) return ask_to_publish();
  if (draw < 12) return ask_to_enroll();
  if (draw < 13 && !ledger_.ids().empty()) return ask_to_remove(random_id());
  ask_plain();
}

void MessageRelayClient::ask(const std::string& line, const std::string& body, Asked asked) {
  engine::Prng& prng = world().prng();
  std::string text = line + " HTTP/1.1\r\nhost: sim.test\r\n";
  if (prng.one_in(4)) text += "X-Filler: " + std::string(prng.below(200), 'x') + "\r\n";
  if (!body.empty()) text += "Content-Type: application/json; charset=utf-8\r\n";
  if (body.empty()) {
    text += "\r\n";
  } else if (prng.one_in(3)) {
    text += "transfer-encoding: chunked\r\n\r\n";
    for (std::string_view rest = body; !rest.empty();) {
      const std::string_view chunk = rest.substr(0, 1 + prng.below(prng.one_in(4) ? 5 : 500));
      char size[20];
      std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
      text += size + std::string(chunk) + "\r\n";
      rest.remove_prefix(chunk.size());
    }
    text += "0\r\n\r\n";
  } else {
    text += "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  asked_.push_back(std::move(asked));
  send(text);
}

void MessageRelayClient::ask_plain() {
  struct Plain {
    const char* line;
    std::string body;
    int status;
    std::string answer;
  };
  const Plain all[] = {
      {"GET /health", "", 200, std::string(relay::health_text)},
      {"OPTIONS /publish", "", 200, ""},
      {"GET /nothing", "", 404, ""},
      {"PUT /publish", "", 405, ""},
      {"POST /register", "", 415, "Expected request with"},
      {"POST /register", "{\"user_id\":-1}", 422, "Failed to deserialize"},
      {"POST /publish", "{\"topic\":\"tech\"}", 422, "Failed to deserialize"},
      {"POST /publish", "{\"topic\":\"te", 400, "Failed to parse"},
      {"GET /ws/0123456789abcdef0123456789abcdef", "", 400, "Connection header"},
      {"DELETE /register/nobody", "", 404, "Client not found with id nobody"},
  };
  const Plain& plain = all[world().prng().below(std::size(all))];
  ask(plain.line, plain.body,
      {.kind = Asked::Kind::plain, .status = plain.status, .body = plain.answer});
}

void MessageRelayClient::ask_to_publish() {
  engine::Prng& prng = world().prng();
  Event event{.topic = prng.one_in(3) ? 0 : prng.below(MessageRelayLedger::topic_count),
              .client = number()};
  event.for_user = prng.one_in(4);
  if (event.for_user) event.user = prng.below(3);
  std::string text = std::to_string(number()) + "." + std::to_string(published_++) + " ";
  const bool is_long = prng.one_in(setting_.drops_slow ? 2 : 8);
  const std::size_t filler = prng.below(is_long ? setting_.body_bytes_max * 3 / 4 : 30);
  for (std::size_t i = 0; i < filler; ++i) {
    text.push_back(i % 40 == 7 ? '"' : static_cast<char>('a' + (i + published_) % 26));
  }
  if (prng.one_in(4)) text += "\xc3\xa9";
  std::string body = "{\"topic\":" + json_string(MessageRelayLedger::topic_name(event.topic));
  if (event.for_user) body += ",\"user_id\":" + std::to_string(event.user);
  body += ", \"message\" : " + json_string(text) + "}";
  ledger_.say(text, event);
  ask("POST /publish", body, {.kind = Asked::Kind::publish, .text = text});
}

void MessageRelayClient::ask_to_enroll() {
  ask("POST /register", "{\"user_id\":" + std::to_string(user_) + "}",
      {.kind = Asked::Kind::enroll, .user = user_, .at = world().clock().now()});
}

std::string MessageRelayClient::random_id() {
  return ledger_.ids()[world().prng().below(ledger_.ids().size())];
}

void MessageRelayClient::ask_to_remove(const std::string& id) {
  MessageRelayLedger::Registration& registration = ledger_.registration(id);
  ++registration.removals;
  ask("DELETE /register/" + id, "",
      {.kind = Asked::Kind::remove, .id = id, .must_be_gone = registration.is_gone});
}

void MessageRelayClient::ask_to_upgrade(const std::string& id) {
  MessageRelayLedger::Registration& registration = ledger_.registration(id);
  const bool is_alone = registration.claims == 0 && registration.removals == 0;
  ++registration.claims;
  asked_.push_back({.kind = Asked::Kind::claim,
                    .id = id,
                    .must_be_gone = registration.is_gone,
                    .must_be_there = is_alone});
  stage_ = Stage::upgrading;
  send("GET /ws/" + id +
       " HTTP/1.1\r\nhost: sim.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}

// A body, or a frame, that never becomes whole.
void MessageRelayClient::say_part() {
  if (stage_ == Stage::closed || has_sent_close_ || world().prng().one_in(3)) return;
  is_cut_off_ = true;
  if (stage_ == Stage::http) {
    send(
        "POST /publish HTTP/1.1\r\nhost: sim.test\r\ncontent-type: application/json\r\n"
        "content-length: 100\r\n\r\n{\"topic\":");
  } else {
    send("\x81\xfe");
  }
}

void MessageRelayClient::say_too_long() {
  if (stage_ == Stage::closed || has_sent_close_ || is_cut_off_) return;
  has_offended_ = true;
  if (stage_ != Stage::http) return offend();
  const std::size_t bytes = setting_.body_bytes_max + 1 + world().prng().below(100);
  ask("POST /publish", std::string(bytes, ' '),
      {.kind = Asked::Kind::plain, .status = 413, .body = "Failed to buffer the request body"});
}

// --- What it says over WebSocket -----------------------------------------------------------------

void MessageRelayClient::send_frame(Opcode opcode, std::string_view payload, bool is_fin) {
  const websocket::Mask mask(static_cast<std::uint32_t>(world().prng().next()));
  const websocket::FrameHeader header{
      .opcode = opcode, .payload_bytes = payload.size(), .is_fin = is_fin, .mask = mask};
  std::string text(websocket::header_bytes(header), '\0');
  websocket::write_header(text.data(), header);
  std::string masked(payload.size(), '\0');
  websocket::unmask(masked.data(), payload, mask);
  send(text + masked);
}

void MessageRelayClient::say_as_subscriber() {
  engine::Prng& prng = world().prng();
  if (prng.one_in(64)) return say_goodbye();
  switch (prng.below(12)) {
    case 0:
      return send_frame(prng.one_in(2) ? Opcode::text : Opcode::binary, "ping");
    case 1:
      return send_frame(Opcode::text, prng.one_in(2) ? "{\"topics\":[1]}" : "what is this");
    case 2:
      return send_frame(Opcode::pong, "{\"topics\":[]}");
    default: {
      pongs_due_.push_back(std::to_string(++pings_));
      return send_frame(Opcode::ping, pongs_due_.back());
    }
    case 3:
      // Who does not read keeps its topics, so that more and more waits for it.
      return is_reading() ? wish_for_topics() : send_frame(Opcode::text, "ping\n");
  }
}

void MessageRelayClient::say_goodbye() {
  has_sent_close_ = true;
  send_frame(Opcode::close, std::string("\x03\xe8 bye", 6));
}

// In one frame or in several, with a Ping behind it, and sometimes one within.
void MessageRelayClient::wish_for_topics() {
  engine::Prng& prng = world().prng();
  Wish wish;
  for (std::size_t topic = 0; topic < MessageRelayLedger::topic_count; ++topic) {
    if (prng.one_in(2)) wish.topics.push_back(topic);
  }
  std::string text = " {\"topics\":[";
  std::size_t count = 0;
  for (const std::size_t topic : wish.topics) {
    text += (count++ == 0 ? "" : ",") + json_string(MessageRelayLedger::topic_name(topic));
  }
  const bool is_too_much = prng.one_in(16);  // so it means nothing
  for (; is_too_much && count <= setting_.topics_max; ++count) {
    text += (count == 0 ? "" : ",") + json_string("other " + std::to_string(count));
  }
  text += "], \"more\":{}}";
  if (prng.one_in(4)) {
    const std::size_t half = prng.below(text.size());
    send_frame(Opcode::text, text.substr(0, half), false);
    if (prng.one_in(2)) {
      pongs_due_.push_back(std::to_string(++pings_));
      send_frame(Opcode::ping, pongs_due_.back());
    }
    send_frame(Opcode::continuation, text.substr(half));
  } else {
    send_frame(Opcode::text, text);
  }
  wish.ping = std::to_string(++pings_);
  pongs_due_.push_back(wish.ping);
  send_frame(Opcode::ping, wish.ping);
  if (is_too_much) return;
  for (std::size_t topic = 0; topic < MessageRelayLedger::topic_count; ++topic) {
    const bool stays = std::ranges::count(wish.topics, topic) != 0;
    if (!stays) hearing_[topic].must_from = nowhere;
  }
  wishes_.push_back(std::move(wish));
}

void MessageRelayClient::offend() {
  engine::Prng& prng = world().prng();
  const std::uint64_t draw = prng.below(3);
  if (draw == 0) {
    offence_code_ = close_code::too_large;
    send_frame(Opcode::binary, std::string(setting_.frame_bytes_max + 1, 'x'));
  } else if (draw == 1) {
    offence_code_ = close_code::bad_content;
    send_frame(Opcode::text, "\xff");
  } else {
    offence_code_ = close_code::protocol_error;
    send(std::string("\x81\x01x"));  // not masked
  }
}

void MessageRelayClient::finish() {
  if (is_finishing() || stage_ == Stage::closed) return ScenarioClient::finish();
  engine::Prng& prng = world().prng();
  const bool may_speak = !is_cut_off_ && !has_offended_ && prng.one_in(2);
  if (may_speak && stage_ == Stage::subscribed && !has_sent_close_) {
    say_goodbye();
    if (prng.one_in(2)) return set_finishing();  // the server closes first
  } else if (may_speak && stage_ == Stage::http && !is_last_asked_) {
    is_last_asked_ = true;
    asked_.push_back({.kind = Asked::Kind::plain, .body = std::string(relay::health_text)});
    send("GET /health HTTP/1.1\r\nhost: sim.test\r\nconnection: close\r\n\r\n");
    return set_finishing();
  }
  ScenarioClient::finish();
}

void MessageRelayClient::say_last_words() {
  if (has_said_all() || is_cut_off_ || has_sent_close_ || scenario_.is_draining()) return;
  if (stage_ == Stage::subscribed) return wish_for_topics();
  if (stage_ == Stage::http) ask_to_publish();
}

// --- What it hears -------------------------------------------------------------------------------

void MessageRelayClient::on_data(std::string_view bytes) {
  was_served_ = true;
  heard_bytes_ += bytes.size();
  incoming_.append(bytes);
  while (!is_over()) {
    const bool is_http = stage_ == Stage::http || stage_ == Stage::upgrading;
    if (!(is_http ? take_response() : take_frame())) return;
  }
}

bool MessageRelayClient::take_response() {
  if (!status_) {
    http::ResponseHead head;
    const http::HeadResult result = responses_.next(incoming_, head);
    if (result.status == http::HeadStatus::need_more) return false;
    SIM_CHECK(result.status == http::HeadStatus::head, "client %u: is told what is no response",
              number());
    SIM_CHECK(head.find("access-control-allow-origin") == "*" &&
                  (head.status == 101 || !head.find("date").empty()),
              "client %u: a response %d without its fields: %s", number(), head.status,
              std::string(head.field_lines).c_str());
    SIM_CHECK(head.body != http::BodyKind::until_close || head.status == 101,
              "client %u: a response without a length", number());
    status_ = head.status;
    body_bytes_ = head.content_length;
    incoming_.erase(0, result.consumed);
  }
  if (incoming_.size() < body_bytes_) return false;
  const std::string body = incoming_.substr(0, body_bytes_);
  incoming_.erase(0, body_bytes_);
  on_response(*std::exchange(status_, {}), body);
  return true;
}

void MessageRelayClient::on_response(int status, const std::string& body) {
  // To a request that is not whole.
  if (status == 408 && setting_.may_time_out) return;
  if (status == 503 && setting_.may_lack_memory && is_cut_off_ && asked_.empty()) return;
  SIM_CHECK(!asked_.empty(), "client %u: a response %d to nothing", number(), status);
  const Asked asked = asked_.front();
  asked_.pop_front();
  // What may be said to anybody: an actor is gone in a drain, or no body can be held.
  if (status == 503 && asked.kind != Asked::Kind::enroll) {
    SIM_CHECK(scenario_.is_draining() || setting_.may_lack_memory,
              "client %u: the service is not there", number());
    return;
  }
  switch (asked.kind) {
    case Asked::Kind::plain:
      SIM_CHECK(status == asked.status && body.starts_with(asked.body),
                "client %u: got %d %s instead of %d %s", number(), status, body.c_str(),
                asked.status, asked.body.c_str());
      return;
    case Asked::Kind::enroll:
      return on_enrolled(asked, status, body);
    case Asked::Kind::remove:
      return on_removed(asked, status);
    case Asked::Kind::publish:
      SIM_CHECK(status == 200 && body == relay::published_text,
                "client %u: its event is answered by %d %s", number(), status, body.c_str());
      SIM_CHECK(ledger_.find(asked.text)->place != nowhere,
                "client %u: is told that %s is published, and it has no place", number(),
                asked.text.c_str());
      return;
    case Asked::Kind::claim:
      return on_claimed(asked, status);
  }
}

void MessageRelayClient::on_enrolled(const Asked& asked, int status, const std::string& body) {
  if (status == 503) {
    SIM_CHECK(setting_.may_lack_room || setting_.may_lack_memory || scenario_.is_draining(),
              "client %u: there is no room for it", number());
    has_asked_for_id_ = !id_.empty();
    return;
  }
  SIM_CHECK(status == 200 && body.starts_with(url_front) && body.size() == url_front.size() + 34,
            "client %u: is registered by %d %s", number(), status, body.c_str());
  const std::string id = body.substr(url_front.size(), 32);
  ledger_.register_id(id, asked.user, asked.at + setting_.unused_timeout);
  if (id_.empty()) id_ = id;
}

void MessageRelayClient::on_removed(const Asked& asked, int status) {
  SIM_CHECK(status == 404 || (status == 200 && !asked.must_be_gone),
            "client %u: a removal is answered by %d", number(), status);
  if (status == 200) ledger_.end(asked.id);
}

void MessageRelayClient::on_claimed(const Asked& asked, int status) {
  MessageRelayLedger::Registration& registration = ledger_.registration(asked.id);
  const bool is_alone = registration.claims == 1 && registration.removals == 0;
  const bool is_kept = world().clock().now() < registration.expires;
  SIM_CHECK(status == 101 || status == 404, "client %u: an upgrade is answered by %d", number(),
            status);
  SIM_CHECK(status == 404 || !asked.must_be_gone, "client %u: connects by an id that is gone",
            number());
  SIM_CHECK(status == 101 || !asked.must_be_there || !is_alone || !is_kept,
            "client %u: is not known by its id", number());
  if (status == 404) {
    stage_ = Stage::http;
    id_.clear();
    has_asked_for_id_ = false;
    if (!was_hasty_ && !has_offended_ && !is_cut_off_) return;
    set_cut();  // what it said in haste is no HTTP
    reset();
    return;
  }
  SIM_CHECK(asked_.empty(), "client %u: is upgraded in front of an answer", number());
  stage_ = Stage::subscribed;
  id_ = asked.id;
  subscribed_as_ = registration.user;
  written_before_ = server_written_bytes();
  confirm_wish();
  if (habit() == Habit::stops_reading && scenario_.is_talking()) set_pace({.read_bytes_max = 0});
}

// The front wish is active: what it has in common with all that follow must be heard from now on.
void MessageRelayClient::confirm_wish() {
  for (std::size_t topic = 0; topic < MessageRelayLedger::topic_count; ++topic) {
    const bool stays = std::ranges::all_of(
        wishes_, [&](const Wish& wish) { return std::ranges::count(wish.topics, topic) != 0; });
    if (!stays || hearing_[topic].must_from != nowhere) continue;
    hearing_[topic].must_from = ledger_.order(topic).size();
  }
}

bool MessageRelayClient::take_frame() {
  const websocket::FrameResult frame = frames_.next(incoming_);
  if (frame.status == FrameStatus::need_more) {
    incoming_.erase(0, frame.consumed);  // a header
    return false;
  }
  SIM_CHECK(frame.status != FrameStatus::error, "client %u: is told what is no frame", number());
  SIM_CHECK(stage_ != Stage::closed, "client %u: hears a frame of opcode %d behind the Close %d",
            number(), static_cast<int>(frame.opcode), close_code_);
  const std::string payload(frame.payload);
  incoming_.erase(0, frame.consumed);
  if (frame.status == FrameStatus::data) {
    SIM_CHECK(frame.opcode == Opcode::text, "client %u: hears no text", number());
    if (frame.is_first) message_.clear();
    message_ += payload;
    if (frame.is_last) on_text(message_);
  } else if (frame.opcode == Opcode::pong) {
    on_pong(payload);
  } else if (frame.opcode == Opcode::close) {
    on_close_frame(payload);
  } else if (!is_cut_off_ && !has_sent_close_ && !is_half_closed()) {
    send_frame(Opcode::pong, payload);
  }
  return true;
}

bool MessageRelayClient::wishes_for(std::size_t topic) const {
  return std::ranges::any_of(
      wishes_, [&](const Wish& wish) { return std::ranges::count(wish.topics, topic) != 0; });
}

// Of the events in front of the place `end`.
bool MessageRelayClient::misses(std::size_t topic, std::size_t end) const {
  const Hearing& hearing = hearing_[topic];
  if (hearing.must_from == nowhere) return false;
  for (std::size_t at = std::max(hearing.next, hearing.must_from); at < end; ++at) {
    if (ledger_.order(topic)[at]->is_for(subscribed_as_)) return true;
  }
  return false;
}

bool MessageRelayClient::misses_something() const {
  for (std::size_t topic = 0; topic < MessageRelayLedger::topic_count; ++topic) {
    if (misses(topic, ledger_.order(topic).size())) return true;
  }
  return false;
}

void MessageRelayClient::on_text(const std::string& text) {
  const Event* event = ledger_.find(text);
  SIM_CHECK(event != nullptr && event->place != nowhere, "client %u: hears what nobody said: %s",
            number(), text.c_str());
  SIM_CHECK(event->is_for(subscribed_as_), "client %u: hears what is for somebody else: %s",
            number(), text.c_str());
  SIM_CHECK(wishes_for(event->topic), "client %u: hears of topic %zu, which it has not: %s",
            number(), event->topic, text.c_str());
  Hearing& hearing = hearing_[event->topic];
  SIM_CHECK(event->place >= hearing.next, "client %u: hears twice, or late: %s", number(),
            text.c_str());
  SIM_CHECK(!misses(event->topic, event->place), "client %u: missed what came before %s", number(),
            text.c_str());
  hearing.next = event->place + 1;
}

void MessageRelayClient::on_pong(const std::string& payload) {
  SIM_CHECK(!pongs_due_.empty() && pongs_due_.front() == payload,
            "client %u: the Pong %s answers no Ping", number(), payload.c_str());
  pongs_due_.pop_front();
  if (wishes_.size() < 2 || wishes_[1].ping != payload) return;
  wishes_.pop_front();
  confirm_wish();
}

void MessageRelayClient::on_close_frame(const std::string& payload) {
  SIM_CHECK(payload.size() >= 2, "client %u: a Close without a code", number());
  close_code_ =
      static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
  stage_ = Stage::closed;
  MessageRelayLedger::Registration& registration = ledger_.registration(id_);
  const bool is_lacking = setting_.may_lack_memory && close_code_ == close_code::too_large;
  switch (close_code_) {
    case close_code::normal:
      if (has_sent_close_) {
        if (registration.claims == 1) ledger_.end(id_);  // nobody else has the place
        break;
      }
      ++registration.evictions;
      SIM_CHECK(registration.removals + registration.claims > 1 || setting_.may_expire,
                "client %u: is sent away by nobody", number());
      break;
    case close_code::going_away:
      SIM_CHECK(scenario_.is_draining(), "client %u: there is no drain", number());
      SIM_CHECK(!scenario_.is_orderly() || !misses_something(),
                "client %u: the drain keeps events from it", number());
      break;
    case close_code::try_again_later:
      SIM_CHECK(setting_.drops_slow, "client %u: is not too slow", number());
      // All that waited for it then has come now.
      SIM_CHECK(heard_bytes_ > setting_.pending_bytes_max,
                "client %u: is too slow with %" PRIu64 " bytes in all", number(), heard_bytes_);
      break;
    default:
      SIM_CHECK(is_lacking || (has_offended_ && close_code_ == offence_code_),
                "client %u: is closed by %d instead of %d", number(), close_code_, offence_code_);
  }
  if (!has_sent_close_ && !is_cut_off_ && !is_half_closed()) {
    has_sent_close_ = true;
    send_frame(Opcode::close, payload.substr(0, 2));
  }
}

// Its registration is known to be gone, or somebody else has it.
bool MessageRelayClient::must_leave() const {
  return stage_ == Stage::subscribed && ledger_.registration(id_).is_gone;
}

bool MessageRelayClient::is_content() const {
  if (stage_ == Stage::closed || is_finishing()) return true;
  if (has_offended_ || is_overdue_ || must_leave()) return false;
  if (is_cut_off_) return true;
  return asked_.empty() && pongs_due_.empty() && unsent_bytes() == 0 && !misses_something();
}

std::string MessageRelayClient::describe() const {
  std::string text = "stage " + std::to_string(static_cast<int>(stage_)) + ", " +
                     std::to_string(asked_.size()) + " answers and " +
                     std::to_string(pongs_due_.size()) + " Pongs due";
  if (has_offended_) text += ", has offended";
  if (is_overdue_) text += ", is far behind";
  if (must_leave()) text += ", is removed";
  if (has_sent_close_) text += ", has sent a Close";
  for (std::size_t topic = 0; topic < MessageRelayLedger::topic_count; ++topic) {
    if (!misses(topic, ledger_.order(topic).size())) continue;
    text += ", misses topic " + std::to_string(topic) + " from " +
            std::to_string(hearing_[topic].next) + " of " +
            std::to_string(ledger_.order(topic).size());
  }
  return text;
}

bool MessageRelayClient::must_hear(const Event& event) const {
  const Hearing& hearing = hearing_[event.topic];
  const bool has_topic = hearing.must_from != nowhere && event.place >= hearing.must_from;
  return has_topic && event.is_for(subscribed_as_);
}

std::uint64_t MessageRelayClient::server_written_bytes() {
  return world().network().written_bytes(endpoint() ^ 1u);
}

// What waits for it in the server is at least what its session was handed and the socket has not
// taken. Whoever gets an event with more than the limit waiting is to be closed instead (WS-30).
void MessageRelayClient::on_branch_run(std::span<const Reached> run) {
  if (stage_ != Stage::subscribed || is_over()) return;
  const std::uint64_t taken = server_written_bytes() - written_before_;
  const bool is_behind = handed_bytes_ > taken + setting_.pending_bytes_max;
  for (const Reached& reached : run) {
    if (!must_hear(*reached.event)) continue;
    handed_bytes_ += reached.frame_bytes;
    is_overdue_ |= is_behind;
  }
}

void MessageRelayClient::on_server_closed(CloseReason reason) {
  switch (reason) {
    case CloseReason::timed_out:
    case CloseReason::idle_timeout:
    case CloseReason::request_timeout:
      SIM_CHECK(setting_.may_time_out, "client %u: nothing can time out", number());
      return;
    case CloseReason::protocol_error:
      SIM_CHECK(has_offended_ || was_hasty_ || was_cut(),
                "client %u: an error, and it said nothing wrong", number());
      return;
    case CloseReason::over_budget:
      SIM_CHECK(setting_.may_lack_memory, "client %u: there is memory", number());
      return;
    case CloseReason::slow_consumer:
      SIM_CHECK(setting_.drops_slow, "client %u: is dropped as slow", number());
      return;
    case CloseReason::reset:
      SIM_CHECK(reset_cause() == ResetCause::connecting_end || reset_cause() == ResetCause::path,
                "client %u: is lost, and nobody broke the connection", number());
      return;
    default:
      return;
  }
}

void MessageRelayClient::on_end() {
  const bool is_refused = scenario_.may_refuse() && !was_served_;
  const bool ends_early = is_refused || !scenario_.is_orderly() || scenario_.is_draining() ||
                          setting_.may_time_out || setting_.may_lack_memory || has_offended_;
  SIM_CHECK(incoming_.empty() || !scenario_.is_orderly(),
            "client %u: the end comes within %zu bytes", number(), incoming_.size());
  SIM_CHECK(ends_early || is_finishing() || stage_ == Stage::closed,
            "client %u: the end comes although it goes on", number());
  const bool is_http = stage_ == Stage::http;
  SIM_CHECK(ends_early || !is_http || asked_.empty(),
            "client %u: the end comes in front of %zu answers", number(), asked_.size());
  // WebSocket: a Close is answered by one, and whoever is sent away hears why.
  const bool is_due_a_close = stage_ == Stage::subscribed && !is_half_closed();
  SIM_CHECK(!is_due_a_close || is_refused || !scenario_.is_orderly() || setting_.may_time_out,
            "client %u: the end comes without a Close", number());
  close();
}

void MessageRelayClient::on_broken(int) {
  set_cut();
  if (reset_cause() != ResetCause::accepting_end) return;
  // Nobody who is served is reset (X4).
  SIM_CHECK(!was_served_ || !scenario_.is_orderly() || setting_.may_time_out,
            "client %u: is reset by the server", number());
}

}  // namespace ringpost::sim
