#include "protocols/websocket/utf8.h"

#include <cstddef>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace ringpost::websocket {

namespace {

// How many characters at the front are ASCII, or some fewer.
std::size_t ascii_front(const char* at, std::size_t bytes) {
  std::size_t done = 0;
#ifdef __SSE2__
  for (; bytes - done >= 16; done += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + done));
    if (_mm_movemask_epi8(block) != 0) return done;
  }
#else
  for (; bytes - done >= 8; done += 8) {
    std::uint64_t block;
    std::memcpy(&block, at + done, sizeof block);
    if ((block & 0x8080808080808080u) != 0) return done;
  }
#endif
  return done;
}

// What may follow a lead byte.
struct Lead {
  std::uint8_t missing;  // 0: it leads nothing
  std::uint8_t low;      // of the next byte
  std::uint8_t high;
};

// RFC 3629 section 4, which leaves out overlong forms, surrogates, and what is beyond U+10FFFF.
Lead lead_of(unsigned char c) {
  if (c >= 0xc2 && c <= 0xdf) return {1, 0x80, 0xbf};
  if (c == 0xe0) return {2, 0xa0, 0xbf};
  if (c == 0xed) return {2, 0x80, 0x9f};
  if (c >= 0xe1 && c <= 0xef) return {2, 0x80, 0xbf};
  if (c == 0xf0) return {3, 0x90, 0xbf};
  if (c >= 0xf1 && c <= 0xf3) return {3, 0x80, 0xbf};
  if (c == 0xf4) return {3, 0x80, 0x8f};
  return {0, 0, 0};
}

}  // namespace

bool Utf8Checker::feed(engine::Bytes bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (missing_ != 0) {
      if (c < low_ || c > high_) return false;
      --missing_;
      low_ = 0x80;
      high_ = 0xbf;
      ++i;
    } else if (c < 0x80) {
      const std::size_t front = ascii_front(bytes.data() + i, bytes.size() - i);
      i += front == 0 ? 1 : front;
    } else {
      const Lead lead = lead_of(c);
      if (lead.missing == 0) return false;
      missing_ = lead.missing;
      low_ = lead.low;
      high_ = lead.high;
      ++i;
    }
  }
  return true;
}

}  // namespace ringpost::websocket
