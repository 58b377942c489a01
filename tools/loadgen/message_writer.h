#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/net/session.h"
#include "tools/loadgen/script.h"

namespace ringpost::loadgen {

// Writes the next `count` messages of the script, around its end, and moves `next` on.
inline void write_messages(engine::Link& link, const Script& script, std::uint32_t& next,
                           std::uint64_t count) {
  while (count != 0) {
    const std::uint32_t left = script.message_count() - next;
    const auto run = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, left));
    link.write(script.run_from(script.begin_of(next)).substr(0, script.bytes_of(next, run)));
    count -= run;
    next = run == left ? 0 : next + run;
  }
}

// Where a connection begins: neighbours in number far apart, so that one's bytes on another are
// seen.
inline std::uint32_t first_message(const Script& script, std::uint64_t connection) {
  constexpr std::uint64_t stride = 2'654'435'761;
  return static_cast<std::uint32_t>(connection * stride % script.message_count());
}

}  // namespace ringpost::loadgen
