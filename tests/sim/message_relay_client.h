#pragma once

// MessageRelayClient: talks to the message relay over HTTP, and as a subscriber over WebSocket once
// it has registered and was upgraded. Every response and every frame is predicted from the ledger.

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/net/counters.h"
#include "protocols/http/response_parser.h"
#include "protocols/websocket/parser.h"
#include "tests/sim/message_relay_ledger.h"
#include "tests/sim/scenario.h"

namespace ringpost::sim {

// What the clients must know of their scenario.
struct MessageRelaySetting {
  bool drops_slow;       // a subscriber may get too far behind
  bool may_expire;       // registrations
  bool may_lack_room;    // for registrations
  bool may_lack_memory;  // for bodies and messages in pieces
  bool may_time_out;     // who is silent, or slow to ask
  engine::Nanos unused_timeout;
  std::uint64_t pending_bytes_max;
  std::uint64_t body_bytes_max;
  std::uint64_t frame_bytes_max;
  std::size_t topics_max;
};

class MessageRelayClient final : public ScenarioClient {
 public:
  MessageRelayClient(Scenario& scenario, const MessageRelaySetting& setting,
                     MessageRelayLedger& ledger, std::uint32_t number);

  void say_last_words() override;
  bool is_content() const override;
  void finish() override;
  std::string describe() const override;

  // From the engine's side.
  void on_opened(std::uint32_t shard) { shard_ = shard; }
  void on_server_closed(engine::CloseReason reason);
  std::uint32_t shard() const { return shard_; }
  // A run of events reaches the branch of this client's shard, which hands on its own.
  struct Reached {
    const MessageRelayLedger::Event* event;
    std::size_t frame_bytes;
  };
  void on_branch_run(std::span<const Reached> run);

 private:
  using Event = MessageRelayLedger::Event;

  enum class Stage : std::uint8_t {
    http,
    upgrading,   // the response is not here yet
    subscribed,  // events come
    closed,      // a Close has come: nothing else may
  };

  // A request whose response has not come.
  struct Asked {
    enum class Kind : std::uint8_t { plain, enroll, remove, publish, claim } kind;
    int status = 200;            // plain: what the answer must be
    std::string body = {};       // plain: how it begins
    std::string id = {};         // remove, claim
    std::string text = {};       // publish
    std::uint64_t user = 0;      // enroll
    bool must_be_gone = false;   // remove, claim: it was gone before
    bool must_be_there = false;  // claim: nobody else knows the id
    engine::Nanos at = 0;        // enroll: when it was asked
  };

  // Topics that were asked for.
  struct Wish {
    std::vector<std::size_t> topics;
    std::string ping;  // whose Pong confirms it
  };
  // What must be heard of one topic.
  struct Hearing {
    std::size_t next = 0;             // place
    std::size_t must_from = nowhere;  // from which place on all must come
  };

  void say() override;
  void say_part() override;
  void say_too_long() override;
  bool has_said_all() const override { return is_finishing() || has_offended_ || is_last_asked_; }
  bool has_more_to_say() const override { return asked_.size() < 300; }

  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int error) override;

  static std::string json_string(const std::string& text);

  // HTTP: message_relay_http.cc.
  void ask(const std::string& line, const std::string& body, Asked asked);
  void ask_something();
  void ask_plain();
  void ask_to_publish();
  void ask_to_enroll();
  void ask_to_remove(const std::string& id);
  void ask_to_upgrade(const std::string& id);
  void go_on_to_subscribe();
  bool take_response();
  void on_response(int status, const std::string& body);
  void on_enrolled(const Asked& asked, int status, const std::string& body);
  void on_removed(const Asked& asked, int status);
  void on_claimed(const Asked& asked, int status);

  // WebSocket: message_relay_websocket.cc.
  void send_frame(websocket::Opcode opcode, std::string_view payload, bool is_fin = true);
  void say_as_subscriber();
  void say_goodbye();
  void wish_for_topics();
  void offend();
  bool take_frame();
  void on_text(const std::string& text);
  void on_pong(const std::string& payload);
  void on_close_frame(const std::string& payload);
  void confirm_wish();
  bool wishes_for(std::size_t topic) const;
  bool misses(std::size_t topic, std::size_t end) const;
  bool misses_something() const;
  bool must_leave() const;
  bool must_hear(const Event& event) const;
  std::uint64_t server_written_bytes();
  std::string random_id();

  Scenario& scenario_;
  const MessageRelaySetting& setting_;
  MessageRelayLedger& ledger_;
  const bool is_subscriber_;
  const std::uint64_t user_;
  std::uint32_t shard_ = UINT32_MAX;
  Stage stage_ = Stage::http;
  std::string incoming_;

  // HTTP.
  http::Limits limits_;
  http::ResponseParser responses_;
  std::optional<int> status_;  // of a response whose head has come
  std::size_t body_bytes_ = 0;
  std::deque<Asked> asked_;
  std::size_t published_ = 0;
  std::string id_;  // its own registration, once it has one
  bool has_asked_for_id_ = false;
  bool is_last_asked_ = false;  // said that it will ask for nothing more
  bool has_offended_ = false;   // said what ends the connection
  bool was_served_ = false;

  // WebSocket.
  websocket::Limits frame_limits_;
  websocket::FrameParser frames_;
  std::string message_;
  std::deque<Wish> wishes_;  // the first is the one that is known to be active, once subscribed
  std::size_t pings_ = 0;
  std::deque<std::string> pongs_due_;
  Hearing hearing_[MessageRelayLedger::topic_count];
  std::uint64_t subscribed_as_ = 0;  // user
  bool was_hasty_ = false;           // said something before it was upgraded
  bool has_sent_close_ = false;
  bool is_cut_off_ = false;           // speaks in the midst of a frame, so says nothing more
  int close_code_ = 0;                // that came
  int offence_code_ = 0;              // that must come
  std::uint64_t heard_bytes_ = 0;     // in all
  std::uint64_t handed_bytes_ = 0;    // of events that its session was handed since it is upgraded
  std::uint64_t written_before_ = 0;  // what the server's socket had taken before
  bool is_overdue_ = false;           // too far behind to be kept
};

}  // namespace ringpost::sim
