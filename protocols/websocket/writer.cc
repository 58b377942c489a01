#include "protocols/websocket/writer.h"

#include <cstring>

namespace ringpost::websocket {

namespace {

char* put_big(char* out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) *out++ = static_cast<char>(value >> 8 * i);
  return out;
}

}  // namespace

std::size_t header_bytes(const FrameHeader& header) {
  const std::size_t length = header.payload_bytes < 126       ? 0
                             : header.payload_bytes <= 0xffff ? 2
                                                              : 8;
  return 2 + length + (header.mask ? mask_bytes : 0);
}

char* write_header(char* out, const FrameHeader& header) {
  const unsigned fin = header.is_fin ? fin_bit : 0;
  const unsigned compressed = header.is_compressed ? compressed_bit : 0;
  *out++ = static_cast<char>(fin | compressed | static_cast<unsigned>(header.opcode));
  const unsigned masked = header.mask ? mask_bit : 0;
  if (header.payload_bytes < 126) {
    *out++ = static_cast<char>(masked | header.payload_bytes);
  } else if (header.payload_bytes <= 0xffff) {
    *out++ = static_cast<char>(masked | 126);
    out = put_big(out, header.payload_bytes, 2);
  } else {
    *out++ = static_cast<char>(masked | 127);
    out = put_big(out, header.payload_bytes, 8);
  }
  if (!header.mask) return out;
  const std::uint32_t word = header.mask->word();
  std::memcpy(out, &word, mask_bytes);
  return out + mask_bytes;
}

char* write_close_code(char* out, std::uint16_t code) { return put_big(out, code, 2); }

}  // namespace ringpost::websocket
