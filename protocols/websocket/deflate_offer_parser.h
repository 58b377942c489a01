#pragma once

// What a client offers about permessage-deflate (RFC 7692 section 7.1), and what a server answers.

#include <string_view>

#include "engine/base/bytes.h"

namespace ringpost::websocket {

// `offers` is the value of a Sec-WebSocket-Extensions field. The value of that field in the
// response, which accepts the first of the offers that can be: text that is always there; empty:
// there is none, and messages are not compressed.
//
// An offer is declined if it has a parameter that is unknown, stands there twice or has a wrong
// value, and if it wants a window of the server's below the one that Deflater has. Neither end
// keeps what it knows from a message to the next, whether the client asks for that or not: so one
// compressed message serves all, and a connection holds nothing. The window of the client may be
// any.
std::string_view answer_deflate_offers(engine::Bytes offers);

}  // namespace ringpost::websocket
