#pragma once

// Endpoint: whom to connect to, as text: a name or a numeric address, and a port. A name stays text
// until the moment of connecting, because what it stands for may change (spec DN-2).

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace ringpost::engine {

struct Endpoint {
  std::string host;  // IPv6 without brackets
  std::uint16_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Parses "name:80", "1.2.3.4:80" or "[::1]:80"; the port is 1 to 65535. The error says what is
// wrong with the text, as the end of a sentence.
Result<Endpoint, std::string> parse_endpoint(std::string_view text);
// As parse_endpoint reads it.
std::string to_text(const Endpoint& endpoint);

}  // namespace ringpost::engine
