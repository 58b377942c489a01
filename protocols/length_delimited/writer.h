#pragma once

// HeaderWriter: the length field of a frame that is to be sent, under the same limits as for those
// that are read (FE-9): whatever it writes, a FrameParser of the same framing reads.

#include <cstdint>

#include "protocols/length_delimited/errc.h"
#include "protocols/length_delimited/format.h"

namespace ringpost::length_delimited {

class HeaderWriter {
 public:
  // Requires: fault_of(framing) is empty.
  explicit HeaderWriter(const Framing& framing) : framing_(framing), layout_(framing) {}

  // Writes the length field for a payload of that size, as the parser will count it, to its place
  // in the header that starts at `header` and has header_bytes(). The header's other bytes are left
  // alone. Unless the outcome is `none`, nothing is written.
  Errc write(std::uint64_t payload_bytes, char* header) const;

  std::size_t header_bytes() const { return layout_.header_bytes; }

 private:
  Framing framing_;
  Layout layout_;
};

}  // namespace ringpost::length_delimited
