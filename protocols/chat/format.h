#pragma once

// The wire of the chat: lines in, lines out.
//
//   first line    the nick; no answer (CH-3)
//   later lines   NICK ": " MESSAGE CR LF to every other named peer (CH-4)
//   a bad line    "! error: " text CR LF to its sender (CH-31, CH-32, CH-34)

#include <cstddef>

#include "engine/base/bytes.h"

namespace ringpost::chat {

using engine::Bytes;

// Between nick and message (C3). No nick starts with the mark of an error line, so no peer can
// forge one.
inline constexpr Bytes nick_end = ": ";
inline constexpr Bytes line_end = "\r\n";
inline constexpr char error_mark = '!';

// A property of the wire, not an option (CH-32).
inline constexpr std::size_t nick_bytes_max = 64;

// Default of the option: the payload of one line, without its line end (CH-31).
inline constexpr std::size_t line_bytes_max_default = 65'536;

// The longest line sent to a peer, for a given limit on what may come in.
constexpr std::size_t chat_line_bytes_max(std::size_t line_bytes_max) {
  return nick_bytes_max + nick_end.size() + line_bytes_max + line_end.size();
}

}  // namespace ringpost::chat
