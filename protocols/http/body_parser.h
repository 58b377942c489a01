#pragma once

// BodyParser: finds the content of a body in the bytes behind its head, in place and without
// allocating: by its length, or chunk by chunk (RFC 9112 sections 6 and 7.1). A response's body may
// also be all that comes until the connection ends; then it is for the caller to know the end.
//
// The caller feeds a run of bytes, takes the piece of content that is found, drops what was
// consumed, and feeds the rest, until `end`. Bytes are never asked for again, so nothing of a body
// needs to be kept for the parser's sake. The content that comes out, and whether it is right,
// follows from the bytes alone; only where it is cut into pieces depends on how they came.
//
// Chunk extensions and trailer fields are checked, bounded and dropped.
//
// Owned by: one session.

#include <cstddef>
#include <cstdint>

#include "protocols/http/errc.h"
#include "protocols/http/format.h"
#include "protocols/http/request_parser.h"

namespace ringpost::http {

enum class BodyStatus : std::uint8_t {
  content,    // `content` is the next piece; never empty
  end,        // the body is over; what was not consumed is the next message's
  need_more,  // all was consumed
  error,      // see `errc`
};

struct BodyResult {
  BodyStatus status;
  Errc errc;
  std::size_t consumed;
  Bytes content;  // points into the input
};

class BodyParser {
 public:
  // `limits` outlives the parser.
  explicit BodyParser(const Limits& limits) : limits_(limits) {}

  // Begins the body behind that head. A length above the limit is told at once: body_too_large.
  Errc begin(const Request& request) { return begin(request.body, request.content_length); }
  // `content_length`: with BodyKind::length.
  Errc begin(BodyKind kind, std::uint64_t content_length);
  // Requires: begun without error, and not over.
  BodyResult next(Bytes input);

 private:
  enum class State : std::uint8_t {
    content,                // `left_` bytes of content follow, and then the end
    until_close,            // all is content
    chunk_size,             // digits of a chunk's size, or what ends them
    extension_blank,        // blanks, and then the `;` of another extension
    extension_begin,        // behind `;`: blanks and a name
    extension_name,         // more of it, or what ends it
    extension_equals,       // blanks behind a name, and then `=` or `;`
    extension_value_begin,  // behind `=`: blanks and a token or a quoted string
    extension_value,        // more of the token, or what ends it
    extension_quoted,       // up to the second quote
    extension_escaped,      // the byte behind a backslash
    extension_quoted_end,   // what ends it
    chunk_size_lf,          // the LF behind the size or the extensions
    chunk_content,          // `left_` bytes of the chunk follow
    chunk_cr,               // the CR behind a chunk's content
    chunk_lf,               // its LF
    trailer_begin,          // the first byte of a trailer line, or of the last line
    trailer_name,           // up to the colon
    trailer_value,          // up to the line's end
    trailer_lf,             // the LF of a trailer line
    last_lf,                // the LF that ends it all
    over,
  };

  BodyResult take_content(Bytes input, std::size_t used);
  BodyResult take_all(Bytes input);
  Errc on_framing(unsigned char c);
  Errc on_size(unsigned char c);
  Errc end_part(unsigned char c);
  Errc on_extension(unsigned char c);
  Errc on_size_line_end();
  Errc on_trailer(unsigned char c);
  Errc count_extra();

  const Limits& limits_;
  std::uint64_t left_ = 0;     // of the length or of the chunk; while its size is read, the size
  std::uint64_t content_ = 0;  // bytes of all chunks, or of all, so far
  std::uint32_t extra_ = 0;    // bytes of extensions and trailers
  std::uint8_t digits_ = 0;    // of the size
  State state_ = State::over;
};

}  // namespace ringpost::http
