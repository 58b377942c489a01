#pragma once

// What can be wrong with a peer's bytes. Where its next message would begin is not known after any
// of them: a server answers each by one response and closes (RFC 9112 section 9.6), a client
// closes.

#include <cstdint>

namespace ringpost::http {

enum class Errc : std::uint8_t {
  none,
  // A line ends with LF alone, or a CR stands in the midst of one (RFC 9112 section 2.2).
  bare_line_end,
  // The first line is not METHOD SP TARGET SP HTTP/d.d (section 3).
  bad_request_line,
  // A response's first line is not HTTP/d.d SP status [SP reason] (section 4).
  bad_status_line,
  // The target is in none of the four forms, or not in one that its method may have (section 3.2).
  bad_target,
  // The major version is not 1 (RFC 9110 section 2.5).
  bad_version,
  // A field line without a colon, with white space before it, folded, or with a byte that may not
  // be there (RFC 9112 section 5).
  bad_field,
  // HTTP/1.1 without exactly one valid Host (section 3.2).
  bad_host,
  // Content-Length is not one decimal number, or stands there twice (section 6.3).
  bad_content_length,
  // Transfer-Encoding does not end with `chunked`, has it twice, stands there twice, or in HTTP/1.0
  // (sections 6.1 and 6.3).
  bad_transfer_encoding,
  // Other codings below the `chunked`, which we do not take off (section 6.1).
  unknown_coding,
  // Both Content-Length and Transfer-Encoding (section 6.3: a request smuggled).
  two_lengths,
  // A chunk's size, extension or end, or a trailer line, is wrong (section 7.1).
  bad_chunk,
  // The request line is longer than a target may be.
  target_too_long,
  // The head is longer than it may be, or has more fields.
  head_too_large,
  // The body is, or says that it will be, longer than it may be.
  body_too_large,
  // Expect asks for something other than 100-continue (RFC 9110 section 10.1.1).
  bad_expectation,
};

// The status that answers it.
constexpr std::uint16_t status_of(Errc errc) {
  switch (errc) {
    case Errc::none:
      return 200;
    case Errc::bad_version:
      return 505;
    case Errc::target_too_long:
      return 414;
    case Errc::head_too_large:
      return 431;
    case Errc::body_too_large:
      return 413;
    case Errc::unknown_coding:
      return 501;
    case Errc::bad_expectation:
      return 417;
    case Errc::bare_line_end:
    case Errc::bad_request_line:
    case Errc::bad_status_line:
    case Errc::bad_target:
    case Errc::bad_field:
    case Errc::bad_host:
    case Errc::bad_content_length:
    case Errc::bad_transfer_encoding:
    case Errc::two_lengths:
    case Errc::bad_chunk:
      return 400;
  }
  return 400;
}

}  // namespace ringpost::http
