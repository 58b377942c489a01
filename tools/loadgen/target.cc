#include "tools/loadgen/target.h"

#include <algorithm>
#include <array>

#include "protocols/http/format.h"

namespace ringpost::loadgen {

namespace {

using engine::Unexpected;

struct SchemeRow {
  std::string_view name;
  std::uint16_t port;
};
constexpr std::array<SchemeRow, 6> schemes = {
    {{"tcp", 1234}, {"frames", 8081}, {"orders", 8080}, {"chat", 6142}, {"http", 80}, {"ws", 80}}};

std::string scheme_names() {
  std::string names;
  for (const SchemeRow& row : schemes) {
    names += (names.empty() ? "" : ", ") + std::string(row.name) + "://";
  }
  return names;
}

bool has_path(Scheme scheme) { return scheme == Scheme::http || scheme == Scheme::ws; }

// Takes the path off the end of an address, with its query and without a fragment.
std::string take_path(std::string& address) {
  const std::size_t at = std::min(address.find_first_of("/?#"), address.size());
  std::string path = address.substr(at);
  address.resize(at);
  path.resize(std::min(path.find('#'), path.size()));
  return path.starts_with('/') ? path : "/" + path;
}

bool has_port(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::size_t bracket = address.rfind(']');
  return bracket == std::string_view::npos || colon > bracket;
}

}  // namespace

engine::Result<Target, std::string> parse_target(std::string_view text) {
  constexpr std::string_view separator = "://";
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) {
    return Unexpected{std::string("is no URL such as tcp://127.0.0.1:1234")};
  }
  const auto row = std::ranges::find(schemes, text.substr(0, at), &SchemeRow::name);
  if (row == schemes.end()) {
    return Unexpected{"has a protocol that is none of " + scheme_names()};
  }
  std::string address(text.substr(at + separator.size()));
  const auto scheme = static_cast<Scheme>(row - schemes.begin());
  Target target;
  target.scheme = scheme;
  if (has_path(scheme)) {
    target.path = take_path(address);
  } else if (address.ends_with('/')) {
    address.pop_back();
  }
  if (!http::all_in(http::target_bytes, target.path)) {
    return Unexpected{std::string("has a path with bytes that are to be written as %XX")};
  }
  if (!has_port(address)) address += ":" + std::to_string(row->port);
  auto endpoint = engine::parse_endpoint(address);
  if (!endpoint) return Unexpected{endpoint.error()};
  target.endpoint = *endpoint;
  return target;
}

std::string to_text(const Target& target) {
  return std::string(to_text(target.scheme)) + "://" + engine::to_text(target.endpoint) +
         (has_path(target.scheme) ? target.path : "");
}

std::string_view to_text(Scheme scheme) { return schemes[static_cast<std::size_t>(scheme)].name; }

}  // namespace ringpost::loadgen
