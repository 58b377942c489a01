#pragma once

// ResponseParser: finds the head of an HTTP/1.1 response in a byte stream, in place and without
// allocating (RFC 9112): the client's side of RequestParser.
//
// The caller feeds a run of bytes; until the head is whole nothing is consumed, and the same bytes
// come again with more behind them, perhaps elsewhere in memory. Each line is looked at once, when
// it is whole, so what comes out follows from the bytes alone, never from how they were split; only
// what cannot become a response is told before its first line is whole.
//
// As strict as RequestParser: what a recipient may repair is refused here, too, because who looks
// at a server through this wants to know. A reason phrase may be left out with its space.
//
// Owned by: one client's talk.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/http/errc.h"
#include "protocols/http/field.h"
#include "protocols/http/format.h"
#include "protocols/http/request_parser.h"

namespace ringpost::http {

// A response's head. It points into the input that it was parsed from.
struct ResponseHead {
  std::uint16_t status = 0;  // 100 to 599
  std::uint8_t minor_version = 1;
  BodyKind body = BodyKind::none;
  bool keep_alive = true;            // another response may follow on the connection
  bool wants_upgrade = false;        // Connection says so
  std::uint64_t content_length = 0;  // with BodyKind::length: of the body, not 0
  Bytes field_lines;                 // with their line ends

  // Another response to the same request follows (RFC 9110 section 15.2).
  bool is_interim() const { return status < 200 && status != 101; }
  // The value of the first field of that name; null data if there is none. Requires: lower case.
  Bytes find(std::string_view lower_name) const;
};

class ResponseParser {
 public:
  // `limits` outlives the parser; of a target they say nothing. `answers_head`: the responses are
  // to HEAD, and have no body whatever they say.
  ResponseParser(const Limits& limits, bool answers_head)
      : limits_(limits), answers_head_(answers_head) {}

  // After an error, `consumed` is where the line begins that is wrong. Requires: `input` starts
  // with the bytes of the previous input that were not consumed.
  HeadResult next(Bytes input, ResponseHead& head);

  // A head has begun and is not whole.
  bool is_within() const { return scanned_ != 0; }

 private:
  Errc on_line(Bytes line);
  Errc conclude(ResponseHead& head) const;
  void clear();

  const Limits& limits_;
  bool answers_head_;
  // Of the lines so far.
  FramingFields framing_;
  std::uint16_t status_ = 0;  // 0: no line was whole yet
  std::uint8_t minor_version_ = 1;
  std::uint32_t scanned_ = 0;     // bytes in which a line end was looked for
  std::uint32_t line_begin_ = 0;  // of the line that `scanned_` is in
  std::uint32_t fields_begin_ = 0;
};

}  // namespace ringpost::http
