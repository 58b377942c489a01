#pragma once

// Lines out: one encoded once for all peers, and the fixed ones.

#include <cstddef>
#include <cstring>

#include "engine/base/bytes.h"
#include "protocols/chat/errc.h"
#include "protocols/chat/format.h"

namespace ringpost::chat {

using engine::Bytes;

// "! error: line too long\r\n" and so on, with static life.
Bytes error_line(Errc errc);

// The length of `NICK: MESSAGE` CR LF.
constexpr std::size_t encoded_bytes(Bytes nick, Bytes message) {
  return nick.size() + nick_end.size() + message.size() + line_end.size();
}

// Writes `NICK: MESSAGE` CR LF (CH-4) to `out` and returns the end of it. Requires: `out` has room
// for encoded_bytes(nick, message).
inline char* encode(Bytes nick, Bytes message, char* out) {
  std::memcpy(out, nick.data(), nick.size());
  out += nick.size();
  std::memcpy(out, nick_end.data(), nick_end.size());
  out += nick_end.size();
  std::memcpy(out, message.data(), message.size());
  out += message.size();
  std::memcpy(out, line_end.data(), line_end.size());
  return out + line_end.size();
}

}  // namespace ringpost::chat
