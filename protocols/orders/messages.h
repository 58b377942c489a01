#pragma once

// What sessions and the order book say to each other. An order rides inline; a ticker too long for
// the body rides in a payload.

#include <bit>
#include <cstdint>

#include "engine/actor/message.h"
#include "protocols/orders/errc.h"

namespace ringpost::orders {

enum MessageKind : std::uint16_t {
  kind_buy = engine::kind_protocol_first,  // tell, or ask where acknowledgements are on
  kind_get,                                // ask: value is how often in a row the line is wanted
  kind_state,      // answers kind_get: the state line as a payload, value as it was asked
  kind_buy_done,   // answers an asked kind_buy: value is 1 accepted, 0 rejected by the cap
  kind_buy_error,  // word about a told kind_buy, or the answer to an asked one: value is an Errc
};

inline constexpr std::size_t ticker_inline_max = engine::Message::body_bytes;

// Fills a kind_buy message.
inline void put_buy(engine::Message& message, float amount, engine::Bytes ticker,
                    engine::PayloadPool& payloads) {
  message.value = std::bit_cast<std::uint32_t>(amount);
  if (ticker.size() <= ticker_inline_max) {
    message.put_bytes(ticker);
  } else {
    message.put_payload(payloads.make(ticker));
  }
}

inline float buy_amount(const engine::Message& message) {
  return std::bit_cast<float>(message.value);
}
inline engine::Bytes buy_ticker(const engine::Message& message) {
  return message.holds == engine::Holds::payload ? message.payload_bytes() : message.inline_bytes();
}

}  // namespace ringpost::orders
