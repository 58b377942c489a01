#pragma once

// A subscriber's talk over WebSocket (spec 7.5 to 7.7): events come out as they are published; what
// comes in are its topics, pings, and the end.
//
// The connection was an HTTP one. Its 101 leaves once every exchange has heard that the subscriber
// is there, so what is published after it was seen is received, and the registry has, so whoever
// connects by the same id after it was seen is the newer one (WS-35); in the same way a Pong leaves
// once the topics that were asked for before the Ping are active (WS-24).
//
// A subscriber that does not take its events in time is told to come back later, alone (WS-30): it
// is judged by what waits for it before it gets more.
//
// Its Close is answered once the registry has heard that it leaves: whoever has read the answer
// finds the id gone, on whichever connection it asks (WS-13). So is what it did wrong. Whatever it
// ends by, its own FIN too, the Pongs that it is owed leave first.

#include <cstdint>
#include <optional>
#include <string>

#include "engine/net/reply_queue.h"
#include "engine/net/session.h"
#include "protocols/http/gathered_content.h"
#include "protocols/relay/branch.h"
#include "protocols/relay/client_id.h"
#include "protocols/relay/json_parser.h"
#include "protocols/websocket/deflate.h"
#include "protocols/websocket/parser.h"
#include "protocols/websocket/utf8.h"

namespace ringpost::relay {

struct SessionOptions {
  websocket::Limits limits;
  websocket::Compression compression = websocket::Compression::off;  // whether it is offered
  std::string default_topic = "tech";                                // C11
  std::size_t topics_max = 256;                                      // of one subscriber
  std::size_t topic_bytes_max = 1024;                                // of each
  std::uint64_t pending_bytes_max = 1 << 20;                         // WS-30
  engine::Nanos ping_interval = 30 * engine::nanos_per_s;
  std::uint32_t replies_max = 256;                         // Pongs that wait for topics
  std::uint64_t held_bytes_max = std::uint64_t{64} << 20;  // of gathered messages, per shard
};

// The field of a response to an upgrade that says that messages may be compressed.
inline constexpr engine::Bytes extensions_field = "sec-websocket-extensions: ";

// What the sessions of one shard have in common. Branch and places outlive it.
struct SessionShared {
  SessionShared(const SessionOptions& of_all, Branch& of_shard, const Places& of_all_shards)
      : options(of_all),
        branch(of_shard),
        places(of_all_shards),
        budget{.bytes_max = of_all.held_bytes_max},
        json(of_all.topics_max),
        inflater(of_all.limits.message_bytes_max) {}

  // To `inflated`. It is less than twice the limit of a message.
  websocket::Errc inflate(engine::Bytes compressed);
  // Gives up what large messages took.
  void drop_scratch();
  std::size_t scratch_bytes() const;

  SessionOptions options;
  Branch& branch;
  const Places& places;
  http::ContentBudget budget;
  JsonParser json;
  std::string plain;  // scratch: a message without its mask
  websocket::Inflater inflater;
  std::string inflated;  // scratch: a message that was compressed
};

class Session final : public engine::Session, public Subscriber {
 public:
  explicit Session(SessionShared& shared);

  // Whose session it is, and the response to its upgrade, which says what was agreed on. Before it
  // opens.
  void claim(const ClientId& id, std::uint64_t user_id, engine::Payload response);

  void on_open(engine::Link& link) override;
  std::size_t on_bytes(engine::Bytes bytes) override;
  void on_end(engine::Bytes rest) override;
  void on_messages(std::span<const engine::Message> run) override;
  void on_timer() override;
  void on_farewell() override;
  void on_closed(engine::CloseReason reason) override;

  // Subscriber.
  void deliver(const engine::Payload& frames) override;

 private:
  enum class State : std::uint8_t {
    opening,  // not every exchange, or not the registry, has heard of it: the response waits
    live,     // it gets events
    leaving,  // takes and hears nothing more: what it is owed, the Close at the end, waits its turn
    closing,  // was said goodbye to: gets and hears nothing more
  };

  bool take(const websocket::FrameResult& frame);
  bool on_data(const websocket::FrameResult& frame);
  bool unmask(const websocket::FrameResult& frame, char* out);
  bool on_whole(const websocket::FrameResult& last, engine::Bytes message);
  void on_control(const websocket::FrameResult& frame);
  void on_message(engine::Bytes text);
  void on_close_frame(engine::Bytes payload);
  void fail(websocket::Errc errc, engine::Bytes text = {});
  void leave_for(std::uint16_t code, engine::CloseReason reason, engine::Bytes text = {});
  void say_close(engine::Bytes payload, engine::CloseReason reason);
  void end(std::uint16_t code, engine::CloseReason reason);
  void write_frame(websocket::Opcode opcode, engine::Bytes payload);
  std::uint64_t tell_registry(std::uint16_t kind);
  engine::Payload make_frame(websocket::Opcode opcode, engine::Bytes payload) const;
  bool has_left() const { return state_ == State::leaving || state_ == State::closing; }
  std::uint64_t leave(State state);
  void on_removed();
  void settle();

  SessionShared& shared_;
  engine::Link* link_ = nullptr;
  ClientId id_;
  engine::Payload response_;
  websocket::FrameParser parser_;
  websocket::Utf8Checker utf8_;
  http::GatheredContent gathered_;  // of a message in pieces
  engine::ReplyQueue replies_;
  State state_ = State::opening;
  // Of an end that must wait for answers, the response to the upgrade among them; 0: of none, or
  // its Close is among them.
  std::uint16_t end_code_ = 0;
  engine::CloseReason end_reason_ = engine::CloseReason::none;
  bool pinged_ = false;     // a Ping was sent, with nothing in front of it
  bool heard_ = false;      // something came since
  bool waiting_ = false;    // paused until Pongs have left
  bool is_member_ = false;  // of the branch, and of the registry
};

}  // namespace ringpost::relay
