// What a client of the message relay asks over HTTP, and what it must be answered.

#include <algorithm>
#include <cstdio>
#include <utility>

#include "protocols/relay/writer.h"
#include "tests/sim/message_relay_client.h"

namespace ringpost::sim {

namespace {

constexpr std::string_view url_front = R"({"url":"ws://sim.test/ws/)";

}  // namespace

// --- What it asks --------------------------------------------------------------------------------

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

// --- What it is answered
// --------------------------------------------------------------------------

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

}  // namespace ringpost::sim
