#include "protocols/http/format.h"

namespace ringpost::http {

namespace {

// By Method.
constexpr std::array<std::string_view, 9> method_names = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH"};
static_assert(static_cast<std::size_t>(Method::other) == method_names.size());

}  // namespace

Method method_of(Bytes name) {
  for (std::size_t i = 0; i < method_names.size(); ++i) {
    if (name == method_names[i]) return static_cast<Method>(i);
  }
  return Method::other;
}

std::string_view name_of(Method method) {
  return method_names.at(static_cast<std::size_t>(method));
}

std::string_view reason_phrase(std::uint16_t status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Entity";
    case 426:
      return "Upgrade Required";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return {};
  }
}

}  // namespace ringpost::http
