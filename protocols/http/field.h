#pragma once

// Fields of a head, and those of them that say where the message ends or what becomes of the
// connection: the same in requests and responses (RFC 9112 sections 5, 6 and 9).

#include <cstdint>

#include "protocols/http/errc.h"
#include "protocols/http/format.h"

namespace ringpost::http {

struct Field {
  Bytes name;
  Bytes value;  // without the spaces around it
};

// Where a body ends.
enum class BodyKind : std::uint8_t {
  none,
  length,       // after so many bytes
  chunked,      // by its framing
  until_close,  // with the connection; of responses only
};

// What the fields of one head said so far.
struct FramingFields {
  std::uint64_t content_length = 0;
  bool has_length = false;
  bool has_coding = false;
  bool is_chunked = false;
  bool says_close = false;
  bool says_keep_alive = false;
  bool says_upgrade = false;
};

// `line`: without its line end.
Errc parse_field(Bytes line, Field& field);
// Takes Content-Length, Transfer-Encoding and Connection; others are none of its business.
Errc on_framing_field(const Field& field, FramingFields& framing);
// Whether the fields agree with each other and with the version, HTTP/1.`minor_version`.
Errc check_framing(const FramingFields& framing, std::uint8_t minor_version);

// Whether another message may follow on the connection (RFC 9112 section 9.3).
inline bool keeps_alive(const FramingFields& framing, std::uint8_t minor_version) {
  return !framing.says_close && (minor_version != 0 || framing.says_keep_alive);
}

}  // namespace ringpost::http
