#pragma once

// Utf8Checker: whether a text is UTF-8 (RFC 3629), as it comes, in whatever pieces; wrong as soon
// as a byte cannot go on what came before. ASCII costs an instruction for sixteen bytes.

#include <cstdint>

#include "engine/base/bytes.h"

namespace ringpost::websocket {

class Utf8Checker {
 public:
  // More of the text. False: it is not UTF-8, whatever may follow.
  bool feed(engine::Bytes bytes);
  // It does not end inside a character.
  bool complete() const { return missing_ == 0; }
  void reset() { missing_ = 0; }

 private:
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
