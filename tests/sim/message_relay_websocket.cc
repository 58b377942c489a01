// What a subscriber of the message relay says over WebSocket, and what it must hear.

#include <algorithm>
#include <cinttypes>
#include <utility>

#include "protocols/websocket/writer.h"
#include "tests/sim/message_relay_client.h"

namespace ringpost::sim {

using websocket::FrameStatus;
using websocket::Opcode;
namespace close_code = websocket::close_code;

// --- What it says --------------------------------------------------------------------------------

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

// --- What it hears -------------------------------------------------------------------------------

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

}  // namespace ringpost::sim
