#pragma once

// Script: what the connections of a run say, over and over: a cycle of messages that lie one behind
// the other in memory, no two alike. A connection begins somewhere in it and goes on from there, so
// what it sends is a copy and what an echo must answer is a comparison of long runs of bytes, with
// no work per byte and little per message. Where a message stands in the cycle is its number, and
// bytes that are not as they should be are looked up to say whose they are.
//
// Immutable once made; read by all shards.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/bytes.h"

namespace ringpost::loadgen {

using engine::Bytes;

// The sizes that messages may have, both ends included.
struct SizeRange {
  std::uint64_t min = 64;
  std::uint64_t max = 64;
  friend bool operator==(const SizeRange&, const SizeRange&) = default;
};

class Script {
 public:
  // A place in the cycle: the message, and how many of the cycle's bytes lie before the place.
  // Invariant: the place is in that message, or at its beginning.
  struct Place {
    std::uint32_t message = 0;
    std::size_t offset = 0;
  };

  explicit Script(const std::vector<std::string>& messages);

  std::uint32_t message_count() const { return static_cast<std::uint32_t>(ends_.size()); }
  std::size_t cycle_bytes() const { return text_.size(); }
  std::size_t message_bytes_max() const { return message_bytes_max_; }
  // Requires: message < message_count().
  Place begin_of(std::uint32_t message) const {
    return {message, message == 0 ? 0 : ends_[message - 1]};
  }
  Bytes message(std::uint32_t message) const {
    const std::size_t begin = begin_of(message).offset;
    return Bytes(text_).substr(begin, ends_[message] - begin);
  }

  // The bytes from `place` on to the end of the cycle.
  Bytes run_from(Place place) const { return Bytes(text_).substr(place.offset); }
  // Bytes of the `count` messages from the beginning of `message` on. Requires: count <=
  // message_count().
  std::size_t bytes_of(std::uint32_t message, std::uint32_t count) const;

  // How many of `bytes` are what stands in the cycle from `place` on, up to the first that is not.
  std::size_t match(Place place, Bytes bytes) const;
  // Moves on by that many bytes; returns how many messages ended on the way.
  std::uint64_t advance(Place& place, std::size_t bytes) const;

  // The message that stands at the front of `bytes` as a whole, looked for from `near` on outwards;
  // message_count() if there is none.
  std::uint32_t find(Bytes bytes, std::uint32_t near) const;

 private:
  std::string text_;
  std::vector<std::size_t> ends_;  // by message: the offset behind it
  std::size_t message_bytes_max_ = 0;
};

// What stands around a message's own bytes.
enum class Wrapping : std::uint8_t {
  none,
  length,  // in front: 4 bytes, big-endian (protocols/length_delimited)
  crlf,    // behind; counted in the size
};

// A script of random printable text, the same for the same seed. Sizes are drawn evenly from
// `sizes`. Requires: sizes.min <= sizes.max; with `crlf`, sizes.min >= 2.
Script make_text_script(const SizeRange& sizes, Wrapping wrapping, std::uint64_t seed);

}  // namespace ringpost::loadgen
