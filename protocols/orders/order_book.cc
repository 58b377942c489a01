#include "protocols/orders/order_book.h"

#include "engine/base/assert.h"

namespace ringpost::orders {

using engine::Message;

OrderBook::OrderBook(const HoldingsOptions& options, engine::Post& post,
                     engine::PayloadPool& payloads)
    : post_(post), payloads_(payloads), holdings_(options) {}

void OrderBook::receive(std::span<const Message> run) {
  for (const Message& message : run) {
    if (message.kind == kind_buy) {
      on_buy(message);
    } else {
      ASSERT(message.kind == kind_get);
      Message& answer = post_.answer(message, kind_state);
      answer.value = message.value;
      answer.put_payload(state_line().share());
    }
  }
}

void OrderBook::on_buy(const Message& message) {
  const BuyOutcome outcome = holdings_.buy(buy_ticker(message), buy_amount(message));
  if (message.holds == engine::Holds::payload) engine::take_payload(message).reset();
  if (outcome == BuyOutcome::too_many_tickers) {
    post_.answer(message, kind_buy_error).value =
        static_cast<std::uint32_t>(Errc::too_many_tickers);
  } else if (message.is_ask) {
    post_.answer(message, kind_buy_done).value = outcome == BuyOutcome::accepted ? 1 : 0;
  }
}

const engine::Payload& OrderBook::state_line() {
  if (!state_line_ || state_version_ != holdings_.version()) {
    state_line_ = payloads_.make(holdings_.rendered_bytes());
    holdings_.render(state_line_.fill(), state_line_.capacity());
    state_version_ = holdings_.version();
  }
  return state_line_;
}

}  // namespace ringpost::orders
