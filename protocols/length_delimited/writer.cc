#include "protocols/length_delimited/writer.h"

namespace ringpost::length_delimited {

Errc HeaderWriter::write(std::uint64_t payload_bytes, char* header) const {
  if (payload_bytes > framing_.payload_bytes_max) return Errc::too_long;
  // Both are bounded, so neither this nor the way back overflows.
  const auto field = static_cast<std::int64_t>(payload_bytes) - framing_.length_adjustment;
  if (field < static_cast<std::int64_t>(layout_.field_min)) return Errc::too_short;
  if (field > static_cast<std::int64_t>(layout_.field_max)) return Errc::too_wide;
  const std::uint32_t width = framing_.length_bytes;
  for (std::uint32_t i = 0; i < width; ++i) {
    const std::uint32_t place = framing_.endian == Endian::big ? width - 1 - i : i;
    header[layout_.length_begin + i] = static_cast<char>(field >> 8 * place);
  }
  return Errc::none;
}

}  // namespace ringpost::length_delimited
