#pragma once

// FrameParser as a connection drives it, and beside it the same rules in the plainest words. Used
// by tests and fuzzers alike, so what must hold is asserted.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/assert.h"
#include "protocols/length_delimited/parser.h"

namespace ringpost::length_delimited {

// What comes out of a stream: frames, and perhaps one error as the last.
struct Event {
  // NOLINTNEXTLINE(google-explicit-constructor): a text is a frame's payload.
  Event(std::string bytes) : text(std::move(bytes)) {}
  Event(const char* bytes) : text(bytes) {}
  explicit Event(Errc what) : errc(what) {}
  bool operator==(const Event&) const = default;

  Errc errc = Errc::none;
  std::string text;
};
using Events = std::vector<Event>;

// A copy in a heap block of exactly its size, so that a sanitizer sees any read outside of it.
class Exact {
 public:
  explicit Exact(Bytes bytes) : memory_(bytes.begin(), bytes.end()) { memory_.shrink_to_fit(); }
  Bytes bytes() const { return Bytes(memory_.data(), memory_.size()); }

 private:
  std::vector<char> memory_;
};

// Keeps what was not consumed, as a connection does.
class Feeder {
 public:
  explicit Feeder(const Framing& framing) : parser_(framing) {}

  void feed(Bytes piece) {
    if (ended_) return;
    const Exact held(rest_ + std::string(piece));
    const FrameRun run = parser_.run(held.bytes());
    std::size_t done = 0;
    for (;;) {
      const FrameResult r = parser_.next(held.bytes().substr(done));
      if (r.status != FrameStatus::frame) {
        check_end(run, held.bytes().substr(done), r);
        break;
      }
      ASSERT(r.consumed > 0);
      done += r.consumed;
      ASSERT(done <= held.bytes().size());
      ++frames_;
      events_.emplace_back(std::string(r.payload));
    }
    ASSERT(run.bytes == done);
    ASSERT(run.count == std::exchange(frames_, 0));
    rest_ = held.bytes().substr(done);
  }

  const Events& events() const { return events_; }

 private:
  void check_end(const FrameRun& run, Bytes rest, const FrameResult& r) {
    ASSERT(r.consumed == 0);
    ASSERT(run.next.errc == r.errc);
    ended_ = r.status == FrameStatus::error;
    ASSERT(ended_ == (r.errc != Errc::none));
    if (ended_) events_.emplace_back(r.errc);
    if (!ended_ && rest.size() >= parser_.header_bytes()) {
      ASSERT(run.next.frame_bytes > rest.size());
    }
  }

  FrameParser parser_;
  std::string rest_;
  std::size_t frames_ = 0;
  bool ended_ = false;
  Events events_;
};

inline Events fed_in(const Framing& framing, const std::vector<std::string>& pieces) {
  Feeder feeder(framing);
  for (const std::string& piece : pieces) feeder.feed(piece);
  return feeder.events();
}

// The same rules in the plainest words: read the field digit by digit, add, compare, cut.
inline Events model(const Framing& framing, const std::string& stream) {
  __extension__ using Wide = __int128;
  Events events;
  const std::size_t field_end = framing.length_offset + framing.length_bytes;
  const std::size_t skip = framing.skip_bytes == Framing::skip_header
                               ? field_end
                               : static_cast<std::size_t>(framing.skip_bytes);
  std::string rest = stream;
  while (rest.size() >= field_end && rest.size() >= skip) {
    Wide length = 0;
    for (std::size_t i = 0; i < framing.length_bytes; ++i) {
      const std::size_t digit = framing.endian == Endian::big ? i : framing.length_bytes - 1 - i;
      length = length * 256 + static_cast<unsigned char>(rest[framing.length_offset + digit]);
    }
    length += framing.length_adjustment;
    if (length > static_cast<Wide>(framing.payload_bytes_max)) {
      events.emplace_back(Errc::too_long);
      return events;
    }
    if (length < 0 || length + static_cast<Wide>(skip) < static_cast<Wide>(field_end)) {
      events.emplace_back(Errc::too_short);
      return events;
    }
    const auto payload = static_cast<std::size_t>(length);
    if (rest.size() < skip + payload) return events;
    events.emplace_back(rest.substr(skip, payload));
    rest = rest.substr(skip + payload);
  }
  return events;
}

}  // namespace ringpost::length_delimited
