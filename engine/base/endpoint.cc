#include "engine/base/endpoint.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace ringpost::engine {

namespace {

constexpr std::size_t name_bytes_max = 253;  // RFC 1035 section 2.3.4, written out

// Letters, digits, hyphens, dots, and the underscores that service names have.
bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

bool is_in_brackets(std::string_view host) {
  return host.size() > 2 && host.front() == '[' && host.back() == ']';
}

}  // namespace

Result<Endpoint, std::string> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return Unexpected<std::string>{"has no port: write it as name:80, 127.0.0.1:80 or [::1]:80"};
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  Endpoint endpoint;
  if (is_in_brackets(host)) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Unexpected<std::string>{"is IPv6: put the address into brackets, as in [::1]:80"};
  } else if (host.empty() || host.size() > name_bytes_max ||
             !std::all_of(host.begin(), host.end(), is_name_character)) {
    return Unexpected<std::string>{"has no name or address before its port"};
  }
  endpoint.host = host;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc() || end != port.data() + port.size() || endpoint.port == 0) {
    return Unexpected<std::string>{"has no port from 1 to 65535 after its last colon"};
  }
  return endpoint;
}

std::string to_text(const Endpoint& endpoint) {
  const bool ipv6 = endpoint.host.find(':') != std::string::npos;
  const std::string host = ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
  return host + ":" + std::to_string(endpoint.port);
}

}  // namespace ringpost::engine
