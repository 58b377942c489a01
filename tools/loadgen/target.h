#pragma once

// Target: whom to load and by which protocol, as a URL: tcp://127.0.0.1:1234.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/endpoint.h"
#include "engine/base/result.h"

namespace ringpost::loadgen {

enum class Scheme : std::uint8_t {
  tcp,     // raw echo: what is sent comes back
  frames,  // the same in frames with their length in front, 4 bytes, big-endian
  orders,  // the order book's lines
  chat,    // lines to everybody else
  http,    // one request, over and over
  ws,      // the message relay: published over HTTP, heard by WebSockets
};

struct Target {
  Scheme scheme = Scheme::tcp;
  engine::Endpoint endpoint;
  std::string path = "/";  // http, with the query; ws: what all paths begin with
};

// "tcp://name", "orders://1.2.3.4:80", "http://[::1]/a?b": a missing port is the one that the
// protocol is usually served on. The error says what is wrong with the text, as a sentence's end.
engine::Result<Target, std::string> parse_target(std::string_view text);
std::string to_text(const Target& target);
std::string_view to_text(Scheme scheme);

}  // namespace ringpost::loadgen
