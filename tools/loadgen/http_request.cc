#include "tools/loadgen/http_request.h"

#include <algorithm>
#include <string_view>

#include "protocols/http/field.h"

namespace ringpost::loadgen {

namespace {

// Requires: `headers` are right.
bool has(const HttpOptions& options, std::string_view lower_name) {
  return std::ranges::any_of(options.headers, [&](const std::string& header) {
    http::Field field;
    (void)http::parse_field(header, field);
    return http::equals_ignoring_case(field.name, lower_name);
  });
}

}  // namespace

std::string method_of(const HttpOptions& options) {
  if (!options.method.empty()) return options.method;
  return options.body ? "POST" : "GET";
}

bool closes_each(const HttpOptions& options) {
  http::FramingFields framing;
  for (const std::string& header : options.headers) {
    http::Field field;
    (void)http::parse_field(header, field);
    (void)http::on_framing_field(field, framing);
  }
  return framing.says_close;
}

std::string render_request(const HttpOptions& options, const Target& target) {
  const std::string method = method_of(options);
  std::string request = method + " " + target.path + " HTTP/1.1\r\n";
  if (!has(options, "host")) request += "host: " + engine::to_text(target.endpoint) + "\r\n";
  for (const std::string& header : options.headers) request += header + "\r\n";
  const std::string body = options.body.value_or("");
  // RFC 9110 section 8.6: none where the method has no use for a body.
  const bool tells_length =
      options.body || method == "POST" || method == "PUT" || method == "PATCH";
  if (tells_length && !has(options, "content-length") && !has(options, "transfer-encoding")) {
    request += "content-length: " + std::to_string(body.size()) + "\r\n";
  }
  return request + "\r\n" + body;
}

}  // namespace ringpost::loadgen
