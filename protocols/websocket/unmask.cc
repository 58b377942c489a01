#include "protocols/websocket/unmask.h"

#include <bit>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace ringpost::websocket {

static_assert(std::endian::native == std::endian::little, "the first byte must be the lowest");

Mask Mask::read(const char* at) {
  std::uint32_t word;
  std::memcpy(&word, at, sizeof word);
  return Mask(word);
}

Mask Mask::turned(std::size_t bytes) const {
  return Mask(std::rotr(word_, static_cast<int>(8 * (bytes % sizeof word_))));
}

void unmask(char* out, engine::Bytes payload, Mask mask) {
  const char* in = payload.data();
  std::size_t left = payload.size();
#ifdef __SSE2__
  const __m128i wide = _mm_set1_epi32(static_cast<int>(mask.word()));
  for (; left >= 16; left -= 16, in += 16, out += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_xor_si128(bytes, wide));
  }
#endif
  for (; left >= 4; left -= 4, in += 4, out += 4) {
    std::uint32_t word;
    std::memcpy(&word, in, sizeof word);
    word ^= mask.word();
    std::memcpy(out, &word, sizeof word);
  }
  for (std::size_t i = 0; i < left; ++i) {
    out[i] = static_cast<char>(in[i] ^ static_cast<char>(mask.word() >> 8 * i));
  }
}

}  // namespace ringpost::websocket
