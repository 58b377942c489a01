#pragma once

// Takes the mask off a client's payload (RFC 6455 section 5.3), sixteen bytes at a time.

#include <cstddef>
#include <cstdint>

#include "engine/base/bytes.h"

namespace ringpost::websocket {

// The mask as its four bytes lie in the frame; `turned` is the mask for what comes `bytes` later.
class Mask {
 public:
  Mask() = default;
  explicit Mask(std::uint32_t as_it_lies) : word_(as_it_lies) {}
  static Mask read(const char* at);

  std::uint32_t word() const { return word_; }
  Mask turned(std::size_t bytes) const;

 private:
  std::uint32_t word_ = 0;
};

// Writes the payload to `out`, which may be where it lies, and has room for it. Putting the mask on
// is the same.
void unmask(char* out, engine::Bytes payload, Mask mask);

}  // namespace ringpost::websocket
