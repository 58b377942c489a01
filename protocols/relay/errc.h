#pragma once

// What can be wrong with a JSON body (spec 7.2).

#include <cstdint>

namespace ringpost::relay {

enum class Errc : std::uint8_t {
  none,
  // Not JSON, or something behind it: 400.
  bad_syntax,
  // JSON without that field, or with one of another type: 422.
  bad_user_id,
  bad_topic,
  bad_message,
  bad_topics,
  // JSON, and no object: 422.
  not_an_object,
};

constexpr std::uint16_t status_of(Errc errc) {
  return errc == Errc::none ? 200 : errc == Errc::bad_syntax ? 400 : 422;
}

}  // namespace ringpost::relay
