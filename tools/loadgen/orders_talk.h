#pragma once

// OrdersTalk: a client of the order book. A mix of BUY, which has no answer, and GET, whose answer
// is the state of the book and proves that what was said before it was handled: so a reply to a GET
// answers the BUYs in front of it, too.
//
// The state is everybody's, so what it must be cannot be known to the byte. What must hold of one
// connection's replies: they are well formed; each ticker stands in them once; a ticker never
// disappears and an amount never falls, for nothing is ever sold; and without a BUY in the mix the
// state stays what it was. The first GET is part of the connect talk.
//
// Where the server is known to take every purchase and to order what one connection says, each
// reply must have all that the connection bought in front of it (`own_buys`).

#include <array>
#include <cstdint>
#include <string>
#include <vector>

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
  static constexpr std::array<Bytes, 5> tickers = {"BYND", "NODE", "PLTR", "POST", "RING"};
  // How much was bought, by ticker. Amounts are 1.
  using Purchases = std::array<std::uint64_t, tickers.size()>;

  explicit OrdersScript(const OrderMix& mix, bool own_buys = false);

  Script requests;
  std::vector<std::uint32_t> answered;  // by message: up to the next GET, that included
  std::vector<Purchases> bought;        // by message: in front of it; at the end, by all of them
  bool own_buys = false;                // see above
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
  struct Holding {
    std::string ticker;
    double amount;
  };
  struct Shown {  // by a line; points into it
    Bytes ticker;
    double amount;
  };

  void on_line(Bytes line);
  void on_state(Bytes line);
  std::string check(Bytes line);
  std::string read_state(Bytes line);
  bool is_in_order_of_before() const;
  std::string take_anew();
  void on_reply(bool right);
  void advance(std::uint64_t answered);
  bool has_own_buys();

  const OrdersScript& script_;
  engine::Link* link_ = nullptr;
  TalkTarget* target_ = nullptr;
  std::uint32_t next_request_ = 0;   // of the script
  std::uint32_t next_answered_ = 0;  // likewise
  std::uint64_t cycles_answered_ = 0;
  std::uint64_t unanswered_ = 0;
  std::uint64_t replies_ = 0;
  bool ready_ = false;
  std::string last_;           // the last right reply, with its line end
  std::vector<Holding> book_;  // what it says, in its order
  std::array<std::size_t, OrdersScript::tickers.size()>
      own_{};                 // where in it; beyond it: not there
  std::vector<Shown> shown_;  // while a line is checked
};

class OrdersProtocol final : public Protocol {
 public:
  explicit OrdersProtocol(const OrderMix& mix, bool own_buys = false) : script_(mix, own_buys) {}
  std::unique_ptr<Talk> talk(std::uint64_t) const override {
    return std::make_unique<OrdersTalk>(script_);
  }
  const OrdersScript& script() const { return script_; }

 private:
  OrdersScript script_;
};

}  // namespace ringpost::loadgen
