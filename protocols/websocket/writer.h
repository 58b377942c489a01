#pragma once

// Frames as bytes. A server's are not masked; a client's need a mask for each (RFC 6455 section
// 5.3).

#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocols/websocket/format.h"
#include "protocols/websocket/unmask.h"

namespace ringpost::websocket {

struct FrameHeader {
  Opcode opcode = Opcode::text;
  std::uint64_t payload_bytes = 0;
  bool is_fin = true;
  bool is_compressed = false;  // a message, in its first frame
  std::optional<Mask> mask{};  // of a client
};

// At most header_bytes_max.
std::size_t header_bytes(const FrameHeader& header);
// Writes it to `out` and returns the end. Requires: there is room for header_bytes.
char* write_header(char* out, const FrameHeader& header);

// The payload of a Close: its code, and a reason (section 5.5.1).
inline constexpr std::size_t close_code_bytes = 2;
char* write_close_code(char* out, std::uint16_t code);

}  // namespace ringpost::websocket
