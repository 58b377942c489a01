#pragma once

// The order book's talk on one connection: lines in, orders told to the book, answers out in
// request order.

#include <cstdint>

#include "engine/net/reply_queue.h"
#include "engine/net/session.h"
#include "protocols/line/parser.h"
#include "protocols/orders/parser.h"

namespace ringpost::orders {

struct SessionOptions {
  engine::ActorRef book;
  std::size_t line_bytes_max = 4096;  // OB-30
  std::uint32_t replies_max = 1024;   // answers outstanding on one connection
  bool acknowledge = false;           // answer each BUY with 1 or 0
};

// What the sessions of one shard know together.
struct SessionShared {
  SessionOptions options;
  // Bytes of the last state line that came: how many may be asked for at once follows from it. 0:
  // none came yet.
  std::uint64_t state_bytes = 0;
};

class Session final : public engine::Session {
 public:
  explicit Session(SessionShared& shared);

  void on_open(engine::Link& link) override;
  std::size_t on_bytes(engine::Bytes bytes) override;
  void on_end(engine::Bytes rest) override;
  void on_messages(std::span<const engine::Message> run) override;
  void on_closed(engine::CloseReason reason) override;

 private:
  bool may_ask() const;
  void on_line(engine::Bytes line);
  void ask_state();
  void on_buy(const Command& command);
  void on_error(Errc errc);
  void on_answer(const engine::Message& message);
  void close_when_answered();

  SessionShared& shared_;
  engine::Link* link_ = nullptr;
  line::LineParser parser_;
  engine::ReplyQueue replies_;
  std::uint32_t gets_ = 0;          // in a row, to be asked for at once
  std::uint32_t states_asked_ = 0;  // state lines outstanding, of the answers in `replies_`
  bool waiting_ = false;            // paused until an answer made room
  bool ended_ = false;              // the peer ended; close once everything is answered
};

}  // namespace ringpost::orders
