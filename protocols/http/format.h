#pragma once

// HTTP/1.1 as bytes (RFC 9110, RFC 9112): which ones may stand where, and the words we know.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/bytes.h"

namespace ringpost::http {

using engine::Bytes;

// Bounds of a request, all inclusive.
struct Limits {
  std::uint32_t target_bytes_max = 8192;
  std::uint32_t head_bytes_max = 16384;  // request line, fields and the empty line behind them
  std::uint32_t trailer_bytes_max = 8192;
  std::uint64_t body_bytes_max = 2 << 20;  // without the framing of chunks
};

// Of one request; more are answered as a head that is too large.
inline constexpr std::size_t fields_max = 100;

enum class Method : std::uint8_t {
  get,
  head,
  post,
  put,
  delete_,
  options,
  connect,
  trace,
  patch,
  other
};

// The name is case-sensitive (RFC 9110 section 9.1).
Method method_of(Bytes name);
// Requires: not `other`.
std::string_view name_of(Method method);

// Empty for a status that we do not send.
std::string_view reason_phrase(std::uint16_t status);

// --- Which bytes may stand where
// ------------------------------------------------------------------

using ByteSet = std::array<bool, 256>;

namespace detail {

constexpr ByteSet set_of(auto&& contains) {
  ByteSet set{};
  for (unsigned i = 0; i < set.size(); ++i) set[i] = contains(static_cast<unsigned char>(i));
  return set;
}

constexpr bool is_alnum(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace detail

// tchar: of methods, field names, codings (RFC 9110 section 5.6.2).
inline constexpr ByteSet token_bytes = detail::set_of([](unsigned char c) {
  return detail::is_alnum(c) ||
         (c != 0 &&
          std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos);
});
// Of field values: visible, obs-text, space and tab (RFC 9110 section 5.5).
inline constexpr ByteSet value_bytes =
    detail::set_of([](unsigned char c) { return c == '\t' || (c >= ' ' && c != 127); });
// Of the names of hosts, with the percent sign (RFC 3986 section 3.2.2), and without the comma,
// which two Host fields that somebody has put together would have.
inline constexpr ByteSet host_name_bytes = detail::set_of([](unsigned char c) {
  return detail::is_alnum(c) ||
         (c != 0 &&
          std::string_view("-._~%!$&'()*+;=").find(static_cast<char>(c)) != std::string_view::npos);
});
inline constexpr ByteSet digit_bytes =
    detail::set_of([](unsigned char c) { return c >= '0' && c <= '9'; });
// Of targets: visible ASCII, which is wider than RFC 3986 and narrower than what others let pass.
inline constexpr ByteSet target_bytes =
    detail::set_of([](unsigned char c) { return c > ' ' && c < 127 && c != '#'; });

constexpr bool all_in(const ByteSet& set, Bytes bytes) {
  bool all = true;
  for (const char c : bytes) all &= set[static_cast<unsigned char>(c)];
  return all;
}

// -1: not a digit.
constexpr int hex_value(unsigned char c) {
  if (digit_bytes[c]) return c - '0';
  const unsigned char lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Two digits stand behind each percent sign (RFC 3986 section 2.1).
constexpr bool percents_are_right(Bytes bytes) {
  for (std::size_t at = 0; (at = bytes.find('%', at)) != Bytes::npos; at += 3) {
    if (bytes.size() - at < 3 || hex_value(static_cast<unsigned char>(bytes[at + 1])) < 0 ||
        hex_value(static_cast<unsigned char>(bytes[at + 2])) < 0) {
      return false;
    }
  }
  return true;
}

// Upper and lower case letters of ASCII are the same. Requires: `lower` has no upper case ones.
constexpr bool equals_ignoring_case(Bytes bytes, std::string_view lower) {
  if (bytes.size() != lower.size()) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != lower[i]) return false;
  }
  return true;
}

// Without spaces and tabs at both ends.
constexpr Bytes trimmed(Bytes bytes) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!bytes.empty() && is_blank(bytes.front())) bytes.remove_prefix(1);
  while (!bytes.empty() && is_blank(bytes.back())) bytes.remove_suffix(1);
  return bytes;
}

// Calls `visit` with each element of a comma-separated list, trimmed, without the empty ones (RFC
// 9110 section 5.6.1).
constexpr void for_each_in_list(Bytes list, auto&& visit) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const Bytes element = trimmed(list.substr(0, comma));
    if (!element.empty()) visit(element);
    list = comma == Bytes::npos ? Bytes() : list.substr(comma + 1);
  }
}

}  // namespace ringpost::http
