#pragma once

// What can be wrong with a peer's frames. Each ends the connection with a Close frame of its code
// (RFC 6455 sections 7.4.1 and 10.7).

#include <cstdint>

namespace ringpost::websocket {

enum class Errc : std::uint8_t {
  none,
  // A reserved bit is set that no extension was agreed on for (section 5.2).
  reserved_bits,
  // An opcode that has no meaning (section 5.2).
  bad_opcode,
  // A client's frame without mask, or a server's with one (section 5.1).
  bad_mask,
  // A length in more bytes than it needs, or of 2^63 or more (section 5.2).
  bad_length,
  // A control frame that is fragmented, or longer than 125 bytes (section 5.5).
  bad_control,
  // A continuation of nothing, or a new message inside another (section 5.4).
  bad_continuation,
  // A Close with one byte, or with a code that may not be sent (section 7.4).
  bad_close,
  // A text, or the reason of a Close, that is not UTF-8 (section 8.1).
  bad_utf8,
  // A compressed message that is none (RFC 7692 section 7.2.2).
  bad_compression,
  // A frame's length is above the limit.
  frame_too_large,
  // A message's length is above the limit.
  message_too_large,
};

constexpr std::uint16_t close_code_of(Errc errc) {
  switch (errc) {
    case Errc::none:
      return 1000;
    case Errc::bad_utf8:
    case Errc::bad_compression:
      return 1007;
    case Errc::frame_too_large:
    case Errc::message_too_large:
      return 1009;
    case Errc::reserved_bits:
    case Errc::bad_opcode:
    case Errc::bad_mask:
    case Errc::bad_length:
    case Errc::bad_control:
    case Errc::bad_continuation:
    case Errc::bad_close:
      return 1002;
  }
  return 1002;
}

}  // namespace ringpost::websocket
