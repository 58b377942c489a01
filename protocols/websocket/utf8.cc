#include "protocols/websocket/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "protocols/websocket/format.h"
#include "protocols/websocket/utf8_avx2.h"

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

// How many bytes at the end of a text are of a character that may be whole later.
std::size_t unfinished_bytes(engine::Bytes masked, Mask mask) {
  for (std::size_t back = 1; back <= 3 && back <= masked.size(); ++back) {
    const std::size_t at = masked.size() - back;
    const auto c = static_cast<unsigned char>(static_cast<unsigned char>(masked[at]) ^
                                              mask.word() >> 8 * (at % mask_bytes));
    if (c < 0x80) return 0;
    if (c >= 0xc0) return lead_of(c).missing >= back ? back : 0;
  }
  return 0;
}

}  // namespace

bool Utf8Checker::step(unsigned char c) {
  if (missing_ != 0) {
    if (c < low_ || c > high_) return false;
    --missing_;
    low_ = 0x80;
    high_ = 0xbf;
    return true;
  }
  if (c < 0x80) return true;
  const Lead lead = lead_of(c);
  missing_ = lead.missing;
  low_ = lead.low;
  high_ = lead.high;
  return missing_ != 0;
}

bool Utf8Checker::feed_narrow(engine::Bytes bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const std::size_t front = missing_ == 0 ? ascii_front(bytes.data() + i, bytes.size() - i) : 0;
    i += front;
    if (front == 0 && !step(static_cast<unsigned char>(bytes[i++]))) return false;
  }
  return true;
}

// The character that has begun, then whole characters, then the one that is not.
bool Utf8Checker::feed(engine::Bytes bytes) {
  if (!can_avx2()) return feed_narrow(bytes);
  const std::size_t begun = std::min<std::size_t>(missing_, bytes.size());
  if (!feed_narrow(bytes.substr(0, begun))) return false;
  const engine::Bytes rest = bytes.substr(begun);
  const std::size_t whole = rest.size() - unfinished_bytes(rest, Mask());
  return is_utf8_avx2(rest.substr(0, whole)) && feed_narrow(rest.substr(whole));
}

bool Utf8Checker::unmask(char* out, engine::Bytes payload, Mask mask) {
  if (!can_avx2()) {
    websocket::unmask(out, payload, mask);
    return feed_narrow({out, payload.size()});
  }
  const std::size_t begun = std::min<std::size_t>(missing_, payload.size());
  websocket::unmask(out, payload.substr(0, begun), mask);
  if (!feed_narrow({out, begun})) return false;
  const engine::Bytes rest = payload.substr(begun);
  const Mask of_rest = mask.turned(begun);
  const std::size_t whole = rest.size() - unfinished_bytes(rest, of_rest);
  char* const end = out + begun + whole;
  if (!unmask_utf8_avx2(out + begun, rest.substr(0, whole), of_rest)) return false;
  websocket::unmask(end, rest.substr(whole), of_rest.turned(whole));
  return feed_narrow({end, rest.size() - whole});
}

}  // namespace ringpost::websocket
