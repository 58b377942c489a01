#pragma once

// ListenAddress: where a service listens, as the command line says it: 127.0.0.1:8080 or
// [::1]:8080. Numbers only, because a name may stand for several addresses and resolving it may
// block. Port 0 lets the kernel choose; the start-up banner then shows the real one.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace ringpost::daemon {

struct ListenAddress {
  std::string host;  // without brackets
  std::uint16_t port = 0;
  bool ipv6 = false;

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

// The error is what is wrong with the text, as the end of a sentence.
engine::Result<ListenAddress, std::string> parse_listen_address(std::string_view text);

// As parse_listen_address reads it.
std::string show_listen_address(const ListenAddress& address);

}  // namespace ringpost::daemon
