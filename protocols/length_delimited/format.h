#pragma once

// The wire of length-delimited frames, with everything that may differ between protocols as data.
//
//   frame = header, payload      by default: 4 bytes, big-endian, then the payload
//
//   ┌──────────────────┬──────────────────┬───────────────┬─────────────────────────┐
//   │ length_offset    │ length_bytes     │ more header   │                         │
//   └──────────────────┴──────────────────┴───────────────┴─────────────────────────┘
//   ├───────────────── skip_bytes ────────────────────────┼────── payload_bytes ────┤
//
//   payload_bytes = length field + length_adjustment
//
// The settings mean what they mean in tokio-util's LengthDelimitedCodec, but for the limit: there
// it is compared with the length field, here with the payload.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringpost::length_delimited {

// FE-5. Inclusive.
inline constexpr std::uint64_t payload_bytes_max_default = 8 * 1024 * 1024;

enum class Endian : std::uint8_t { big, little };

struct Framing {
  std::uint32_t length_bytes = 4;   // how wide the length field is: 1 to 8
  std::uint32_t length_offset = 0;  // bytes in front of it
  Endian endian = Endian::big;
  // What to add to the length field to get the payload's size. Negative where the field counts more
  // than the payload: -4 if it counts itself and is 4 wide.
  std::int64_t length_adjustment = 0;
  // Bytes at the front of a frame that are no payload. By default the header up to the end of the
  // length field; 0 leaves the header in front of what is given as the payload, which then counts
  // it.
  std::int64_t skip_bytes = skip_header;
  std::uint64_t payload_bytes_max = payload_bytes_max_default;  // inclusive

  static constexpr std::int64_t skip_header = -1;
};

// Bounds of the settings themselves.
inline constexpr std::uint32_t length_bytes_limit = 8;
// Of offset and skip. Until a header is whole, that many bytes at most wait for the rest of it.
inline constexpr std::uint32_t header_bytes_limit = 1024;
inline constexpr std::int64_t length_adjustment_limit = std::int64_t{1} << 40;  // either way
inline constexpr std::uint64_t payload_bytes_limit = std::uint64_t{1} << 40;

// What is wrong with the settings, in a few words that name the setting. Empty: nothing.
std::string_view fault_of(const Framing& framing);

// A framing, worked out. Every frame's length field is within field_min and field_max, and from it
// `field + frame_extra` is the size of the whole frame. Requires of the framing: fault_of is empty.
struct Layout {
  explicit Layout(const Framing& framing);

  std::uint32_t length_begin;  // of the length field
  std::uint32_t length_end;    // behind it
  std::uint32_t skip_bytes;    // in front of the payload
  std::uint32_t header_bytes;  // that must be there to know the frame's size, or be skipped
  std::uint64_t field_min;     // else too_short
  std::uint64_t field_max;     // else too_long
  std::uint64_t frame_extra;   // modulo 2^64: may stand for a negative number
};

}  // namespace ringpost::length_delimited
