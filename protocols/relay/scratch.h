#pragma once

// Scratch: text that is built again for each message. Its memory is kept from one to the next, but
// not that of a large one: else whoever sends a single large message has it for good.

#include <cstddef>
#include <string>

namespace ringpost::relay {

// What is kept of each.
inline constexpr std::size_t scratch_bytes_max = 256 << 10;

// Gives up the memory of a large one. (Assigning an empty string keeps it.)
inline void drop_if_large(std::string& scratch) {
  if (scratch.capacity() > scratch_bytes_max) std::string().swap(scratch);
}

}  // namespace ringpost::relay
