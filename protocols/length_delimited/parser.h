#pragma once

// FrameParser: finds length-delimited frames in a run of bytes, in place and without allocating.
//
// It has no state between calls: what it says follows from the bytes alone, so how a stream was
// split never changes what comes out (X2). The caller drops whole frames from the front of its
// input; of the rest, `header` says how large the frame at its front will be as soon as that is
// known, so that a large one can be gathered elsewhere than in the input.
//
// A length that is wrong is told as soon as its header is there (FE-6), and nothing behind it can
// be read any more: where the next frame would start is not known.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/base/bytes.h"
#include "protocols/length_delimited/errc.h"
#include "protocols/length_delimited/format.h"

namespace ringpost::length_delimited {

using engine::Bytes;

static_assert(std::endian::native == std::endian::little, "the first byte must be the lowest");

// What the front of an input says about the frame that starts there.
struct Header {
  Errc errc = Errc::none;         // else: no frame, and none behind it
  std::uint64_t frame_bytes = 0;  // of the whole frame, header included; 0: not yet known
};

// The whole frames at the front of an input.
struct FrameRun {
  std::size_t count;
  std::size_t bytes;  // of all, headers included
  Header next;        // of what stands behind them; not looked at if the run was ended by `enough`
};

enum class FrameStatus : std::uint8_t {
  frame,      // `payload` is a frame's; it points into the input
  need_more,  // the frame at the front is not whole
  error,      // see `errc`
};

struct FrameResult {
  FrameStatus status;
  Errc errc;
  std::size_t consumed;  // bytes of the frame, header included; 0 unless status is `frame`
  Bytes payload;
};

class FrameParser {
 public:
  // Requires: fault_of(framing) is empty.
  explicit FrameParser(const Framing& framing)
      : layout_(framing),
        width_shift_(64 - 8 * framing.length_bytes),
        is_big_(framing.endian == Endian::big) {}

  Header header(Bytes input) const {
    if (input.size() < layout_.header_bytes) return {};
    const std::uint64_t field = length_field(input);
    if (field < layout_.field_min) [[unlikely]]
      return {Errc::too_short, 0};
    if (field > layout_.field_max) [[unlikely]]
      return {Errc::too_long, 0};
    return {Errc::none, field + layout_.frame_extra};
  }

  // The first frame.
  FrameResult next(Bytes input) const {
    const Header first = header(input);
    if (first.errc != Errc::none) return {FrameStatus::error, first.errc, 0, {}};
    if (first.frame_bytes == 0 || first.frame_bytes > input.size()) {
      return {FrameStatus::need_more, Errc::none, 0, {}};
    }
    const auto bytes = static_cast<std::size_t>(first.frame_bytes);
    return {FrameStatus::frame, Errc::none, bytes,
            input.substr(layout_.skip_bytes, bytes - layout_.skip_bytes)};
  }

  // All whole frames at the front, or as many of them as it takes to have `enough` bytes.
  FrameRun run(Bytes input, std::uint64_t enough = UINT64_MAX) const {
    FrameRun run{0, 0, {}};
    while (run.bytes < enough) {
      run.next = header(input.substr(run.bytes));
      if (run.next.frame_bytes - 1 >= input.size() - run.bytes) return run;  // 0 is the largest
      run.bytes += static_cast<std::size_t>(run.next.frame_bytes);
      ++run.count;
    }
    run.next = {};
    return run;
  }

  // With that many bytes `header` knows. So less than that is left of an input whose frames were
  // taken, or the front of a frame whose size is known.
  std::size_t header_bytes() const { return layout_.header_bytes; }
  std::size_t skip_bytes() const { return layout_.skip_bytes; }

 private:
  // Requires: the header is whole.
  std::uint64_t length_field(Bytes input) const {
    const char* const at = input.data() + layout_.length_begin;
    std::uint64_t field = 0;
    if (input.size() - layout_.length_begin >= sizeof field) [[likely]] {
      std::memcpy(&field, at, sizeof field);
    } else {
      std::memcpy(&field, at, layout_.length_end - layout_.length_begin);
    }
    return is_big_ ? __builtin_bswap64(field) >> width_shift_
                   : field << width_shift_ >> width_shift_;
  }

  Layout layout_;
  std::uint32_t width_shift_;
  bool is_big_;
};

}  // namespace ringpost::length_delimited
