#pragma once

// TickerHash: a keyed hash over tickers, which are at most 64 bytes and mostly at most 16.
//
// Clients choose the tickers, so whoever knew the hash could choose many that share a slot. The
// keys come from a seed that clients do not see; multiplying 64-bit words under such keys and
// folding the product is what wyhash and its relatives do, with keys in place of their published
// constants. What remains is bounded: a book holds so many tickers and no more (OB-31).

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/base/bytes.h"
#include "engine/base/prng.h"

namespace ringpost::orders {

using engine::Bytes;

// The first and the last bytes of a run of 1 to 16 bytes; they overlap when it has fewer. Together
// with the length they tell any two runs apart, and no byte outside of the run is read.
struct Ends {
  std::uint64_t first;
  std::uint64_t last;
  bool operator==(const Ends&) const = default;
};

template <typename Word>
std::uint64_t load(const char* p) {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// Requires: 0 < bytes <= 16.
inline Ends load_ends(const char* p, std::size_t bytes) {
  if (bytes >= 8) return {load<std::uint64_t>(p), load<std::uint64_t>(p + bytes - 8)};
  if (bytes >= 4) return {load<std::uint32_t>(p), load<std::uint32_t>(p + bytes - 4)};
  // Of one to three bytes these are all.
  return {load<std::uint8_t>(p) << 8 | load<std::uint8_t>(p + bytes / 2),
          load<std::uint8_t>(p + bytes - 1)};
}

// Whether two runs of the same length are equal. Requires: bytes > 0.
inline bool same_bytes(const char* a, const char* b, std::size_t bytes) {
  if (bytes <= 16) return load_ends(a, bytes) == load_ends(b, bytes);
  return std::memcmp(a, b, bytes) == 0;
}

class TickerHash {
 public:
  explicit TickerHash(std::uint64_t seed) {
    engine::Prng prng(seed);
    word_key_ = prng.next();
    start_key_ = prng.next();
    length_key_ = prng.next() | 1;
  }

  // Requires: `ticker` is not empty.
  std::uint32_t operator()(Bytes ticker) const {
    const char* p = ticker.data();
    std::size_t bytes = ticker.size();
    std::uint64_t state = start_key_ + bytes * length_key_;
    for (; bytes > 16; bytes -= 16, p += 16)
      state = mix({load<std::uint64_t>(p), load<std::uint64_t>(p + 8)}, state);
    state = mix(load_ends(p, bytes), state);
    return static_cast<std::uint32_t>(state >> 32);
  }

 private:
  __extension__ typedef unsigned __int128 Uint128;

  std::uint64_t mix(Ends words, std::uint64_t state) const {
    const Uint128 product = Uint128{words.first ^ word_key_} * (words.last ^ state);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  std::uint64_t word_key_;
  std::uint64_t start_key_;
  std::uint64_t length_key_;
};

}  // namespace ringpost::orders
