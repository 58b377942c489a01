#pragma once

// The message relay as its clients speak it (ws://): publishers ask over HTTP, POST /publish, over
// and over; subscribers register by POST /register, become a WebSocket at the path of the URL that
// they get, ask for their topic, and know by a Pong that it is theirs. Then each message of a
// publisher of the topic must reach each subscriber of it once, in its publisher's order.
//
// Connections below `senders` publish, those behind subscribe. Both are spread evenly over the
// topics.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/prng.h"
#include "protocols/http/body_parser.h"
#include "protocols/http/response_parser.h"
#include "protocols/websocket/parser.h"
#include "tools/loadgen/heard_messages.h"
#include "tools/loadgen/http_talk.h"
#include "tools/loadgen/script.h"
#include "tools/loadgen/talk.h"
#include "tools/loadgen/target.h"

namespace ringpost::loadgen {

struct RelayOptions {
  SizeRange size;  // of a message; from message_bytes_min on
  std::uint64_t senders = 1;
  std::uint64_t topics = 1;
  std::uint64_t seed = 1;
  std::string run;  // part of the topics' names: nobody else's messages are to be heard
};

// What the talks of one run have in common.
struct RelayScript {
  // A message names its sender and has some text.
  static constexpr std::uint64_t message_bytes_min = 16;

  RelayScript(const RelayOptions& relay_options, const Target& target);

  std::string topic_of(std::uint64_t number) const;
  // The topic of a sender, or the other connections': both are counted from 0.
  std::uint64_t topic_number(std::uint64_t connection) const {
    const bool sends = connection < options.senders;
    return (sends ? connection : connection - options.senders) % options.topics;
  }

  RelayOptions options;
  std::string host;
  std::string base;  // of all paths; no slash at its end
  Script texts;      // of messages, without the senders' names
  HttpScript publications;
  http::Limits http_limits;
  websocket::Limits frame_limits;
};

class RelayPublisher final : public Talk {
 public:
  // `script` outlives the talk.
  RelayPublisher(const RelayScript& script, std::uint64_t connection);

  void open(engine::Link& link, TalkTarget& target) override;
  void request(std::uint64_t count) override;
  std::uint64_t fitting(std::uint64_t bytes_max) const override;
  std::size_t read(Bytes bytes) override { return answers_.read(bytes); }
  void ended(Bytes rest) override { answers_.ended(rest); }
  void finish() override {}

 private:
  // Hears of the answers to publications. What was published counts when it was delivered; an
  // answer only acknowledges it.
  class Answers final : public TalkTarget {
   public:
    explicit Answers(RelayPublisher& publisher) : publisher_(publisher) {}
    void on_ready() override {}
    void on_replies(std::uint64_t count) override { on_acknowledged(count); }
    void on_failed(std::uint64_t count) override;
    void on_fault(Fault fault) override { publisher_.target_->on_fault(std::move(fault)); }
    void on_deliveries(std::uint64_t, std::uint64_t, std::uint64_t) override {}
    void on_missed(std::uint64_t, std::uint64_t, std::uint64_t) override {}
    void on_acknowledged(std::uint64_t count) override {
      publisher_.target_->on_acknowledged(count);
    }
    void on_statuses(std::uint16_t status, std::uint64_t count) override;
    void on_retired() override;
    void on_goodbye(std::string why) override { publisher_.target_->on_goodbye(std::move(why)); }
    void on_lost_track() override { publisher_.target_->on_lost_track(); }

   private:
    RelayPublisher& publisher_;
    std::uint16_t status_ = 0;  // the last one
  };

  void make_head(std::size_t text_bytes);

  const RelayScript& script_;
  engine::Link* link_ = nullptr;
  TalkTarget* target_ = nullptr;
  HttpTalk answers_;
  Answers on_answers_{*this};
  std::uint32_t next_text_;
  std::string body_head_;        // up to the text
  std::string head_;             // of the request, with body_head_ ...
  std::size_t head_is_for_ = 0;  // ... for texts of that length
  std::string out_;
};

class RelaySubscriber final : public Talk {
 public:
  // `script` outlives the talk.
  RelaySubscriber(const RelayScript& script, std::uint64_t connection);

  void open(engine::Link& link, TalkTarget& target) override;
  void request(std::uint64_t) override {}
  std::uint64_t fitting(std::uint64_t) const override { return 0; }
  std::size_t read(Bytes bytes) override;
  void finish() override { heard_.finish(); }

 private:
  enum class State : std::uint8_t {
    registering,  // POST /register has no answer yet
    upgrading,    // nor has GET /ws/ID
    subscribing,  // a WebSocket; the Pong is to come
    listening,    // the topic is ours
    over,         // nothing more is to be read
  };

  // How many bytes were dealt with; nothing: more must come.
  std::optional<std::size_t> read_response(Bytes rest);
  std::optional<std::size_t> read_body(Bytes rest);
  std::size_t read_frames(Bytes rest);
  std::optional<std::size_t> read_other_frame(Bytes rest);
  void on_registered();
  void on_upgrade(const http::ResponseHead& head);
  void on_message(Bytes message);
  void on_control(websocket::Opcode opcode, Bytes payload);
  void send_frame(websocket::Opcode opcode, Bytes payload);
  void refuse(std::string why);

  const RelayScript& script_;
  std::uint64_t connection_;
  engine::Link* link_ = nullptr;
  TalkTarget* target_ = nullptr;
  State state_ = State::registering;
  engine::Prng prng_;  // of masks and the key
  // Until it is a WebSocket.
  http::ResponseParser head_parser_;
  http::BodyParser body_parser_;
  bool in_body_ = false;
  std::uint16_t status_ = 0;
  std::string body_;
  std::string key_;
  // From then on.
  websocket::FrameParser frame_parser_;
  bool within_message_ = false;  // the parser has seen a part of one
  std::string message_;          // what of it has come
  HeardMessages heard_;
};

class RelayProtocol final : public Protocol {
 public:
  RelayProtocol(const RelayOptions& options, const Target& target) : script_(options, target) {}
  std::unique_ptr<Talk> talk(std::uint64_t connection) const override;
  bool acknowledges() const override { return true; }

 private:
  RelayScript script_;
};

}  // namespace ringpost::loadgen
