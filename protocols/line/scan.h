#pragma once

// Bitmaps of where a byte occurs: bit i of the result stands for byte i. SSE2 is part of every
// x86-64; elsewhere eight bytes are taken at a time. Nothing is read outside the given range.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace ringpost::line {

// How many bytes one bitmap covers.
inline constexpr std::size_t scan_block_bytes = 64;

#ifdef __SSE2__

inline constexpr std::size_t scan_step_bytes = 16;

// The occurrences of `wanted` in the 16 bytes at `p`.
inline std::uint64_t scan_step(const char* p, char wanted) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const int bits = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted)));
  return static_cast<std::uint32_t>(bits);
}

#else

static_assert(std::endian::native == std::endian::little, "bit i must stand for byte i");

inline constexpr std::size_t scan_step_bytes = 8;

// The occurrences of `wanted` in the 8 bytes at `p`.
inline std::uint64_t scan_step(const char* p, char wanted) {
  constexpr std::uint64_t ones = 0x0101010101010101u;
  constexpr std::uint64_t low_bits = 0x7f * ones;
  std::uint64_t bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  bytes ^= ones * static_cast<unsigned char>(wanted);
  // The top bit of a byte is set exactly when the byte is zero: no carry leaves a byte here.
  const std::uint64_t zeros = ~(((bytes & low_bits) + low_bits) | bytes | low_bits);
  // Gathers the eight top bits into the low byte.
  return ((zeros >> 7) * 0x0102040810204080u) >> 56;
}

#endif

// The occurrences of `wanted` in the `bytes` bytes at `p`. Requires: bytes <= scan_block_bytes.
inline std::uint64_t scan_block(const char* p, std::size_t bytes, char wanted) {
  std::uint64_t found = 0;
  std::size_t at = 0;
  for (; at + scan_step_bytes <= bytes; at += scan_step_bytes)
    found |= scan_step(p + at, wanted) << at;
  for (; at < bytes; ++at) found |= std::uint64_t{p[at] == wanted} << at;
  return found;
}

// The same for a whole block, without a loop.
inline std::uint64_t scan_full_block(const char* p, char wanted) {
  std::uint64_t found = 0;
  for (std::size_t at = 0; at < scan_block_bytes; at += scan_step_bytes)
    found |= scan_step(p + at, wanted) << at;
  return found;
}

}  // namespace ringpost::line
