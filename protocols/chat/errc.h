#pragma once

// What can be wrong with a client's line. Each is answered by one error line to its sender.

#include <cstddef>
#include <cstdint>

namespace ringpost::chat {

enum class Errc : std::uint8_t {
  // The line passed the limit; all of it is dropped (CH-31).
  line_too_long,
  // The nick is empty, too long, holds a control byte or starts with `!`; the next line is taken
  // for
  // the nick (CH-32).
  bad_nick,
  // The message holds a control byte and is not sent (CH-34).
  bad_character,
};

inline constexpr std::size_t errc_count = 3;

}  // namespace ringpost::chat
