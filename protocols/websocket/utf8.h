#pragma once

// Utf8Checker: whether a text is UTF-8 (RFC 3629), as it comes, in whatever pieces; wrong as soon
// as a byte cannot go on what came before.

#include <cstdint>

#include "engine/base/bytes.h"
#include "protocols/websocket/unmask.h"

namespace ringpost::websocket {

class Utf8Checker {
 public:
  // More of the text. False: it is not UTF-8, whatever may follow.
  bool feed(engine::Bytes bytes);
  // More of the text under its mask, which is taken off in the same pass: `out` as for
  // websocket::unmask. False: what `out` holds is not said.
  bool unmask(char* out, engine::Bytes payload, Mask mask);
  // `feed` where the processor has no wide vectors: ASCII in runs, anything else byte by byte.
  bool feed_narrow(engine::Bytes bytes);

  // It does not end inside a character.
  bool complete() const { return missing_ == 0; }
  void reset() { missing_ = 0; }

 private:
  bool step(unsigned char c);

  // Of the character that has begun: bytes still to come, and what the next one may be.
  std::uint8_t missing_ = 0;
  std::uint8_t low_ = 0;
  std::uint8_t high_ = 0;
};

inline bool is_utf8(engine::Bytes bytes) {
  Utf8Checker checker;
  return checker.feed(bytes) && checker.complete();
}

}  // namespace ringpost::websocket
