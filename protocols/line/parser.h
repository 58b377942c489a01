#pragma once

// LineParser: cuts a byte stream into lines, in place and without allocating.
//
// The caller feeds a run of bytes, gets one line, drops `consumed` bytes and feeds the rest, until
// `need_more`; what is then left is the start of an unfinished line, and comes back at the front of
// a later, longer run. The bytes may have moved in memory meanwhile, but may not have changed.
//
// The parser looks 64 bytes ahead at a time and keeps the bitmap of the line ends it saw, so that a
// short line costs a few instructions; and it remembers how far it has looked, so that no byte is
// looked at twice however small the pieces are in which a line arrives (CH-22).
//
// What counts against the limit: the payload, without the line end, and the limit is inclusive. A
// longer line gives `too_long` exactly once, as soon as it is certain, and its bytes are dropped up
// to and with the next line end (OB-30, CH-31). So an unfinished line never holds more than
// `partial_bytes_max()` bytes, and how a stream was split never changes what comes out (X2).
//
// Invariants: `ends_` bit i says that a line end's LF is at byte `block_` + i of the next input.
//             Bytes before `scanned_` hold no other line ends than those in `ends_`.
// Owned by: one session.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"

namespace ringpost::line {

using engine::Bytes;

enum class LineEnd : std::uint8_t {
  // A line ends at CR LF and at nothing else; a bare CR or LF is payload (CH-2).
  crlf,
  // A line ends at LF; one CR right before it belongs to the line end (OB-29, C4).
  any,
};

enum class LineStatus : std::uint8_t {
  // `line` is a whole line without its line end. It points into the input.
  line,
  // No whole line in the input. `consumed` is not 0 while a too long line is being dropped.
  need_more,
  // A line over the limit stood or stands here; its bytes are dropped.
  too_long,
};

struct LineResult {
  LineStatus status;
  std::size_t consumed;  // bytes at the front of the input that are done with
  Bytes line;
};

class LineParser {
 public:
  LineParser(LineEnd line_end, std::size_t line_bytes_max)
      : line_bytes_max_(line_bytes_max), line_end_(line_end) {}

  // Requires: `input` starts with the bytes of the previous input that were not consumed.
  LineResult next(Bytes input) {
    ASSERT(scanned_ <= input.size());
    if (ends_ == 0 && !scan(input)) return unfinished(input);

    const std::size_t end = block_ + static_cast<std::size_t>(std::countr_zero(ends_));
    ends_ &= ends_ - 1;
    block_ -= end + 1;  // May wrap below 0; adding a bit's index wraps it back.
    scanned_ -= end + 1;
    if (discarding_) [[unlikely]]
      return end_discarding(input, end + 1);

    const Bytes line = without_cr(input.substr(0, end));
    if (line.size() > line_bytes_max_) [[unlikely]]
      return {LineStatus::too_long, end + 1, {}};
    return {LineStatus::line, end + 1, line};
  }

  // The last line of a stream that ended without a line end (OB-2); nothing if the stream ended
  // behind a line end or inside a line that was too long. The end of the stream stands for what is
  // missing of the line end, so one CR at the end of `tail` goes. Who drops unfinished tails
  // (CH-10) does not call this. Requires: next(tail) gave `need_more` and consumed nothing, or
  // `tail` is what it left, which may be empty.
  std::optional<Bytes> finish(Bytes tail);

  std::size_t line_bytes_max() const { return line_bytes_max_; }
  // The longest input that `next` may leave unconsumed: a line at the limit and its CR.
  std::size_t partial_bytes_max() const { return line_bytes_max_ + 1; }

 private:
  static Bytes without_cr(Bytes line) {
    const std::size_t cr = !line.empty() && line.back() == '\r' ? 1 : 0;
    return line.substr(0, line.size() - cr);
  }

  bool scan(Bytes input);
  LineResult unfinished(Bytes input);
  LineResult end_discarding(Bytes input, std::size_t consumed);

  std::uint64_t ends_ = 0;
  std::size_t block_ = 0;
  std::size_t scanned_ = 0;
  std::size_t line_bytes_max_;
  LineEnd line_end_;
  bool discarding_ = false;  // inside a line that was reported as too long
};

}  // namespace ringpost::line
