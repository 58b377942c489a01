#pragma once

// The fixed lines of the order book. The one that varies, the answer to GET, is made by Holdings.

#include "engine/base/bytes.h"
#include "protocols/orders/errc.h"

namespace ringpost::orders {

using engine::Bytes;

// "ERR unknown command\n" and so on, with static life.
Bytes error_line(Errc errc);

// The answer to a BUY where acknowledgements are on: "1\n" accepted, "0\n" rejected.
constexpr Bytes ack_line(bool accepted) { return accepted ? Bytes("1\n") : Bytes("0\n"); }

}  // namespace ringpost::orders
