#pragma once

// WebSocket frames as bytes (RFC 6455 section 5.2).

#include <cstddef>
#include <cstdint>

#include "engine/base/bytes.h"

namespace ringpost::websocket {

using engine::Bytes;

enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

constexpr bool is_control(Opcode opcode) { return static_cast<unsigned>(opcode) >= 8; }

enum class Role : std::uint8_t { server, client };

// Whether permessage-deflate was agreed on.
enum class Compression : std::uint8_t { off, deflate };

inline constexpr std::uint8_t fin_bit = 0x80;
inline constexpr std::uint8_t reserved_mask = 0x70;
inline constexpr std::uint8_t compressed_bit = 0x40;  // the first of the reserved (RFC 7692)
inline constexpr std::uint8_t opcode_mask = 0x0f;
inline constexpr std::uint8_t mask_bit = 0x80;
inline constexpr std::size_t control_bytes_max = 125;
inline constexpr std::size_t mask_bytes = 4;
inline constexpr std::size_t header_bytes_max = 14;  // 2, a length of 8, a mask

// Why a connection is closed (section 7.4.1).
namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t bad_content = 1007;
inline constexpr std::uint16_t too_large = 1009;
inline constexpr std::uint16_t try_again_later = 1013;
}  // namespace close_code

// Whether an endpoint may put it into a frame.
constexpr bool may_be_sent(std::uint16_t code) {
  const bool registered =
      code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
  return registered || (code >= 3000 && code <= 4999);
}

// Bounds of what is received, inclusive.
struct Limits {
  std::uint64_t frame_bytes_max = 16 << 20;
  std::uint64_t message_bytes_max = 64 << 20;    // compressed or not
  std::uint64_t compressed_bytes_max = 1 << 20;  // of a message as it comes, which is work
};

}  // namespace ringpost::websocket
