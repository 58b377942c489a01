#pragma once

// What a Close frame says (RFC 6455 section 5.5.1).

#include <cstdint>

#include "protocols/websocket/errc.h"
#include "protocols/websocket/format.h"

namespace ringpost::websocket {

struct CloseResult {
  Errc errc;
  std::uint16_t code;  // 0: the peer gave none
  Bytes reason;        // points into the payload
};

// `payload`: of the frame, without its mask.
CloseResult parse_close(Bytes payload);

}  // namespace ringpost::websocket
