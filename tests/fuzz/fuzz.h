#pragma once

// What the targets share: the entry that libFuzzer calls, a stop that it reports, and settings read
// from the front of an input.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/base/prng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes);

namespace ringpost::fuzz {

// Requires nothing of the build: it stops in every preset.
inline void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t bytes)
      : rest_(reinterpret_cast<const char*>(data), bytes) {}

  // One byte off the front; 0 when there is none.
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(rest_.front());
    rest_.erase(0, 1);
    return first;
  }
  std::uint32_t word() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return value;
  }
  std::string bytes(std::size_t count) {
    const std::string front = rest_.substr(0, count);
    rest_.erase(0, front.size());
    return front;
  }
  const std::string& rest() const { return rest_; }

 private:
  std::string rest_;
};

// Cuts a stream as `seed` says; 0 leaves it whole, 1 cuts it into single bytes.
inline std::vector<std::string> pieces_of(const std::string& stream, std::uint8_t seed) {
  if (seed == 0) return {stream};
  engine::Prng prng(seed);
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < stream.size(); at += pieces.back().size())
    pieces.push_back(stream.substr(at, seed == 1 ? 1 : 1 + prng.below(prng.one_in(3) ? 200 : 5)));
  return pieces;
}

}  // namespace ringpost::fuzz
