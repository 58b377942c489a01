#pragma once

// The key of an opening handshake (RFC 6455 section 4.2.2).

#include <array>

#include "engine/base/bytes.h"

namespace ringpost::websocket {

// The value of Sec-WebSocket-Accept for a client's Sec-WebSocket-Key: base64 of SHA-1.
using AcceptKey = std::array<char, 28>;
AcceptKey accept_key(engine::Bytes key);

}  // namespace ringpost::websocket
