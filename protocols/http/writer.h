#pragma once

// Responses as bytes (RFC 9112 section 4). Field names are in lower case; every response has a
// length and a date, except 1xx, which end with their fields.

#include <cstdint>

#include "protocols/http/format.h"

namespace ringpost::http {

struct Response {
  std::uint16_t status = 200;
  Bytes content_type{};            // empty: no such field
  Bytes fields{};                  // more field lines, each with its CR LF
  Bytes common_fields{};           // the same, of all responses of a service
  Bytes content{};                 // its length is told
  bool leave_content_out = false;  // of an answer to HEAD
  bool close = false;              // no other response follows
};

// How many bytes `write_response` needs. Exact.
std::size_t response_bytes(const Response& response);
// Writes it to `out` and returns the end. `date`: see Date. Requires: the status has a phrase, and
// there is room for response_bytes.
char* write_response(char* out, const Response& response, Bytes date);

}  // namespace ringpost::http
