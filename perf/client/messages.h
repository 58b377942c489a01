#pragma once

// Messages for servers that give back, or pass on, whatever they get.

#include <cstddef>

#include "perf/client/repeated_stream.h"

namespace ringpost::perf {

// `count` messages of that many bytes each, no two alike, none with a byte order that a shift would
// leave as it is. Requires: bytes >= 4.
Period make_messages(std::size_t count, std::size_t bytes);

}  // namespace ringpost::perf
