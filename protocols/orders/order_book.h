#pragma once

// OrderBook: the actor that owns the one order book of the server (OB-10). Buys change it silently
// unless they fail or were asked for an acknowledgement; a GET is answered by the state line, which
// is one cached payload per version of the book, made when asked for: however many ask, one
// rendering serves them all.

#include "engine/actor/actor.h"
#include "engine/actor/post.h"
#include "protocols/orders/holdings.h"
#include "protocols/orders/messages.h"

namespace ringpost::orders {

class OrderBook final : public engine::Actor {
 public:
  OrderBook(const HoldingsOptions& options, engine::Post& post, engine::PayloadPool& payloads);

  void receive(std::span<const engine::Message> run) override;

 private:
  void on_buy(const engine::Message& message);
  const engine::Payload& state_line();

  engine::Post& post_;
  engine::PayloadPool& payloads_;
  Holdings holdings_;
  engine::Payload state_line_;  // of version state_version_; none before the first GET
  std::uint64_t state_version_ = 0;
};

}  // namespace ringpost::orders
