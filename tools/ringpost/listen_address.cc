#include "tools/ringpost/listen_address.h"

#include <arpa/inet.h>

#include <charconv>

namespace ringpost::daemon {

namespace {

using engine::Result;
using engine::Unexpected;

bool is_address(int family, const std::string& host) {
  in6_addr bits;  // the larger of the two
  return inet_pton(family, host.c_str(), &bits) == 1;
}

}  // namespace

Result<ListenAddress, std::string> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return Unexpected<std::string>{"has no port: write it as 127.0.0.1:8080 or [::1]:8080"};
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);

  ListenAddress address;
  address.ipv6 = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (address.ipv6) host = host.substr(1, host.size() - 2);
  address.host = host;
  if (!is_address(address.ipv6 ? AF_INET6 : AF_INET, address.host)) {
    if (!address.ipv6 && is_address(AF_INET6, address.host)) {
      return Unexpected<std::string>{"is IPv6: put the address into brackets, as in [::1]:8080"};
    }
    return Unexpected<std::string>{"has no IPv4 address or [IPv6 address] before its port"};
  }

  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    return Unexpected<std::string>{"has no port from 0 to 65535 after its last colon"};
  }
  return address;
}

std::string show_listen_address(const ListenAddress& address) {
  const std::string host = address.ipv6 ? "[" + address.host + "]" : address.host;
  return host + ":" + std::to_string(address.port);
}

}  // namespace ringpost::daemon
