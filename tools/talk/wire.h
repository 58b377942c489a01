#pragma once

// WireOptions: how a talk looks on the wire.

#include <cstdint>

#include "protocols/length_delimited/format.h"

namespace ringpost::talk {

struct WireOptions {
  bool frames = false;  // else lines
  bool crlf = false;    // lines are sent with CR LF at their end, else with LF
  bool once = false;    // the first line alone, and its reply
  std::uint64_t message_bytes_max = length_delimited::payload_bytes_max_default;

  length_delimited::Framing framing() const {
    length_delimited::Framing framing;
    framing.payload_bytes_max = message_bytes_max;
    return framing;
  }
};

}  // namespace ringpost::talk
