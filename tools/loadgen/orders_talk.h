#pragma once

// OrdersTalk: a client of the order book. A mix of BUY, which has no answer, and GET, whose answer
// is the state of the book and proves that what was said before it was handled: so a reply to a GET
// answers the BUYs in front of it, too.
//
// The state is everybody's, so what it must be cannot be known to the byte. What must hold of one
// connection's replies: they are well formed; each ticker stands in them once; a ticker never
// disappears and an amount never falls, for nothing is ever sold; and without a BUY in the mix the
// state stays what it was. The first GET is part of the connect talk.

#include <map>
#include <string>

#include "tools/loadgen/script.h"
#include "tools/loadgen/talk.h"

namespace ringpost::loadgen {

// So many of each, evenly among each other. Requires: gets > 0.
struct OrderMix {
  std::uint64_t buys = 15;
  std::uint64_t gets = 1;
};

// Requests of a mix, and what a reply answers.
struct OrdersScript {
  explicit OrdersScript(const OrderMix& mix);

  Script requests;
  std::vector<std::uint32_t> answered;  // by message: up to the next GET, that included
  // No reply comes before so many were sent.
  std::uint32_t answered_max = 0;
  bool has_buys = false;

 private:
  static std::vector<std::string> make(const OrderMix& mix);
};

class OrdersTalk final : public Talk {
 public:
  // `script` outlives the talk.
  explicit OrdersTalk(const OrdersScript& script) : script_(script) {}

  void open(engine::Link& link, TalkTarget& target) override;
  void request(std::uint64_t count) override;
  std::uint64_t fitting(std::uint64_t bytes_max) const override;
  void conclude() override;
  std::size_t read(Bytes bytes) override;
  void finish() override {}

 private:
  using Book = std::map<std::string, double, std::less<>>;

  void on_line(Bytes line);
  void on_state(Bytes line);
  std::string check(Bytes line);
  void on_reply(bool right);

  const OrdersScript& script_;
  engine::Link* link_ = nullptr;
  TalkTarget* target_ = nullptr;
  std::uint32_t next_request_ = 0;   // of the script
  std::uint32_t next_answered_ = 0;  // likewise
  std::uint64_t unanswered_ = 0;
  std::uint64_t replies_ = 0;
  bool ready_ = false;
  std::string last_;  // the last right reply, with its line end
  Book book_;         // what it says
};

class OrdersProtocol final : public Protocol {
 public:
  explicit OrdersProtocol(const OrderMix& mix) : script_(mix) {}
  std::unique_ptr<Talk> talk(std::uint64_t) const override {
    return std::make_unique<OrdersTalk>(script_);
  }
  const OrdersScript& script() const { return script_; }

 private:
  OrdersScript script_;
};

}  // namespace ringpost::loadgen
