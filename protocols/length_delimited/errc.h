#pragma once

// What can be wrong with a length, in a peer's header or in one that is to be written.

#include <cstdint>

namespace ringpost::length_delimited {

enum class Errc : std::uint8_t {
  // Nothing.
  none,
  // The payload is over the limit (FE-5, FE-9).
  too_long,
  // The frame would end before its own header does: the length field holds too little for the
  // framing's adjustment and skip.
  too_short,
  // Writing only: the length does not fit into the length field.
  too_wide,
};

}  // namespace ringpost::length_delimited
