#include "protocols/length_delimited/format.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace ringpost::length_delimited {

namespace {

// All below fits into 64 bits with a sign: see the static_assert.
static_assert(payload_bytes_limit + length_adjustment_limit < (std::uint64_t{1} << 62));

std::int64_t length_end_of(const Framing& framing) {
  return std::int64_t{framing.length_offset} + framing.length_bytes;
}

std::int64_t skip_of(const Framing& framing) {
  return framing.skip_bytes == Framing::skip_header ? length_end_of(framing) : framing.skip_bytes;
}

// A frame holds at least its length field. So a payload that includes the header has a smallest
// size.
std::int64_t payload_min_of(const Framing& framing) {
  return std::max<std::int64_t>(0, length_end_of(framing) - skip_of(framing));
}

std::int64_t field_min_of(const Framing& framing) {
  return std::max<std::int64_t>(0, payload_min_of(framing) - framing.length_adjustment);
}

// Negative: even the smallest field stands for a payload over the limit.
std::int64_t field_max_of(const Framing& framing) {
  const auto limit =
      static_cast<std::int64_t>(framing.payload_bytes_max) - framing.length_adjustment;
  if (framing.length_bytes >= 7) return limit;  // wider than any limit
  return std::min(limit, (std::int64_t{1} << 8 * framing.length_bytes) - 1);
}

}  // namespace

std::string_view fault_of(const Framing& framing) {
  if (framing.length_bytes < 1 || framing.length_bytes > length_bytes_limit) {
    return "length_bytes is not 1 to 8";
  }
  if (framing.length_offset > header_bytes_limit) return "length_offset is over 1024";
  if (framing.skip_bytes != Framing::skip_header &&
      (framing.skip_bytes < 0 || framing.skip_bytes > header_bytes_limit)) {
    return "skip_bytes is not 0 to 1024";
  }
  if (framing.length_adjustment < -length_adjustment_limit ||
      framing.length_adjustment > length_adjustment_limit) {
    return "length_adjustment is over 2^40";
  }
  if (framing.payload_bytes_max > payload_bytes_limit) return "payload_bytes_max is over 2^40";
  if (field_min_of(framing) > field_max_of(framing)) {
    return "no length field stands for a payload within payload_bytes_max";
  }
  return {};
}

Layout::Layout(const Framing& framing) {
  ASSERT(fault_of(framing).empty());
  length_begin = framing.length_offset;
  length_end = static_cast<std::uint32_t>(length_end_of(framing));
  skip_bytes = static_cast<std::uint32_t>(skip_of(framing));
  header_bytes = std::max(length_end, skip_bytes);
  field_min = static_cast<std::uint64_t>(field_min_of(framing));
  field_max = static_cast<std::uint64_t>(field_max_of(framing));
  frame_extra = static_cast<std::uint64_t>(framing.length_adjustment + skip_of(framing));
}

}  // namespace ringpost::length_delimited
