#pragma once

// JsonScanner: goes through one JSON text (RFC 8259), a value at a time, strictly: what is passed
// over is checked like what is read. Strings are given where they stand in the text; only those
// with escapes are decoded, into the scanner. It does not look at UTF-8.
//
// A function that returns false has met what is no JSON there; then the text is done for.
//
// Owned by: one shard. Called on: its shard only. Keeps its memory, at most twice the largest text
// so far, until drop_scratch().

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/bytes.h"

namespace ringpost::relay {

using engine::Bytes;

class JsonScanner {
 public:
  // The text lives until the last call about it.
  void begin(Bytes text);

  // What comes behind white space, without taking it; 0 at the end.
  char next();
  // Takes that one character behind white space.
  bool take(char wanted);
  // Takes a string. It is valid until the next `begin`. Requires: next() is '"'.
  bool string(Bytes& value);
  // Takes a number, and gives it as it stands. Requires: next() is '-' or a digit.
  bool number(Bytes& value);
  // Takes the name of a member of an object and the ':' behind it.
  bool name(Bytes& value);
  // Takes any value.
  bool skip();
  bool at_end() { return next() == '\0' && at_ == end_; }

  // Ends with the text, whose strings are not valid any more, and gives up what a large one took.
  void drop_scratch();
  std::size_t scratch_bytes() const { return decoded_.capacity() + nesting_.capacity(); }

 private:
  bool skip_scalar();
  bool skip_word(Bytes word);
  bool skip_digits();
  bool decode(const char* begin, Bytes& value);
  bool decode_escape();
  bool decode_unicode();
  std::optional<std::uint32_t> take_unit();

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  std::size_t text_bytes_ = 0;
  std::string decoded_;  // strings of the text that had escapes
  std::string nesting_;  // scratch of `skip`: what ends the arrays and objects around
};

}  // namespace ringpost::relay
