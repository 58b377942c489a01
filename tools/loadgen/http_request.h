#pragma once

// What http:// sends, and what is right as an answer.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/loadgen/target.h"

namespace ringpost::loadgen {

struct HttpOptions {
  std::string method{};                // empty: GET, or POST where there is a body
  std::vector<std::string> headers{};  // "name: value"
  std::optional<std::string> body{};
  std::optional<std::uint16_t> expect_status{};  // else any 2xx or 3xx is right
  bool any_body = false;                         // bodies need not be alike
  std::uint64_t reply_bytes_max = 64 << 20;      // of a body

  bool is_right(std::uint16_t status) const {
    return expect_status ? status == *expect_status : status >= 200 && status < 400;
  }
};

std::string method_of(const HttpOptions& options);
// No more than one request to a connection: the client says that it closes.
bool closes_each(const HttpOptions& options);
// The request to `target` as bytes. Host and Content-Length are added unless they were given.
std::string render_request(const HttpOptions& options, const Target& target);

}  // namespace ringpost::loadgen
