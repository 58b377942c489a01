#include "tests/sim/message_relay_client.h"

#include <utility>

#include "protocols/relay/writer.h"

namespace ringpost::sim {

using engine::CloseReason;

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

std::string MessageRelayClient::json_string(const std::string& text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + '"';
}

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

void MessageRelayClient::on_data(std::string_view bytes) {
  was_served_ = true;
  heard_bytes_ += bytes.size();
  incoming_.append(bytes);
  while (!is_over()) {
    const bool is_http = stage_ == Stage::http || stage_ == Stage::upgrading;
    if (!(is_http ? take_response() : take_frame())) return;
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
  SIM_CHECK(ends_early || stage_ != Stage::subscribed || pongs_due_.empty(),
            "client %u: the end comes in front of %zu Pongs", number(), pongs_due_.size());
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
