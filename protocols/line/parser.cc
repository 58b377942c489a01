#include "protocols/line/parser.h"

#include <algorithm>

#include "protocols/line/scan.h"

namespace ringpost::line {

namespace {

std::uint64_t find_bytes(const char* p, std::size_t bytes, char wanted) {
  if (bytes == scan_block_bytes) [[likely]]
    return scan_full_block(p, wanted);
  return scan_block(p, bytes, wanted);
}

}  // namespace

// Looks at new bytes until a block holds a line end. False: the input is used up, and holds none.
bool LineParser::scan(Bytes input) {
  while (scanned_ < input.size()) {
    const char* const p = input.data() + scanned_;
    const std::size_t bytes = std::min(scan_block_bytes, input.size() - scanned_);
    std::uint64_t ends = find_bytes(p, bytes, '\n');
    if (line_end_ == LineEnd::crlf) {
      // The byte before the block is still in the input, unless the block starts a line.
      const std::uint64_t carry = scanned_ > 0 && p[-1] == '\r' ? 1 : 0;
      ends &= find_bytes(p, bytes, '\r') << 1 | carry;
    }
    block_ = scanned_;
    scanned_ += bytes;
    ends_ = ends;
    if (ends != 0) return true;
  }
  return false;
}

// The whole input is scanned and holds no line end.
LineResult LineParser::unfinished(Bytes input) {
  const bool cr_last = !input.empty() && input.back() == '\r';
  if (!discarding_) {
    // A CR in the place behind the limit may be the first half of the line end.
    const std::size_t payload_min = input.size() - (cr_last ? 1 : 0);
    if (payload_min <= line_bytes_max_) return {LineStatus::need_more, 0, {}};
  }
  // All goes but a last CR, which says what a first LF of the next input means.
  const LineStatus status = discarding_ ? LineStatus::need_more : LineStatus::too_long;
  discarding_ = true;
  scanned_ = cr_last ? 1 : 0;
  return {status, input.size() - scanned_, {}};
}

// The line end of a too long line was found, and the input behind it starts a new line.
LineResult LineParser::end_discarding(Bytes input, std::size_t consumed) {
  discarding_ = false;
  LineResult result = next(input.substr(consumed));
  result.consumed += consumed;
  return result;
}

std::optional<Bytes> LineParser::finish(Bytes tail) {
  ASSERT(ends_ == 0);
  ASSERT(scanned_ == tail.size());
  const bool discarding = discarding_;
  scanned_ = 0;
  discarding_ = false;
  if (discarding || tail.empty()) return std::nullopt;
  return without_cr(tail);
}

}  // namespace ringpost::line
