#pragma once

// RequestParser: finds the head of an HTTP/1.1 request in a byte stream, without allocating (RFC
// 9112).
//
// The caller feeds a run of bytes; until the head is whole nothing is consumed, and the same bytes
// come again with more behind them, perhaps elsewhere in memory. The parser remembers how far it
// has looked for line ends, so no byte is looked at twice for them however small the pieces are.
// What comes out follows from the bytes alone, never from how they were split (X2): wrong line ends
// are told as soon as they are seen, then a wrong first line, then anything else once the head is
// whole.
//
// Stricter than the RFC asks: what a recipient may repair (a bare LF, white space before a colon, a
// folded line, equal lengths twice) is refused, because a server in front of this one may have read
// it in another way.
//
// A client says the same head over and over, and so do many that are alike. So a Request keeps a
// copy of the head that it was parsed from: an input that begins with the same bytes is not parsed
// again.
//
// Owned by: one session.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocols/http/errc.h"
#include "protocols/http/field.h"
#include "protocols/http/format.h"

namespace ringpost::http {

// A request's head. It points into the input that it was parsed from, or into its own copy of that.
// Large, and only in use while a request is dealt with: one per shard is enough.
struct Request {
  // Longer heads are not kept.
  static constexpr std::size_t kept_bytes_max = 1024;

  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  Method method = Method::other;
  Bytes method_name;
  // As it was sent, the scheme and authority of the absolute form left out.
  Bytes target;
  Bytes path;   // of the target, up to the first `?`
  Bytes query;  // behind it
  std::uint8_t minor_version = 1;
  BodyKind body = BodyKind::none;
  bool keep_alive = true;            // by version and Connection
  bool expects_continue = false;     // by Expect; never in HTTP/1.0
  bool wants_upgrade = false;        // Connection says so
  std::uint64_t content_length = 0;  // if the body has a length

  std::span<const Field> fields() const { return {field_table.data(), field_count}; }
  // The value of the first field of that name; null data if there is none. Requires: lower case.
  Bytes find(std::string_view lower_name) const;

  std::array<Field, fields_max> field_table;
  std::size_t field_count = 0;

 private:
  friend class RequestParser;

  // Whether `input` begins with the head that was parsed last, within the same limits.
  bool is_repeated(Bytes input, const Limits& limits) const {
    return kept_bytes_ != 0 && kept_within_ == &limits &&
           input.starts_with(Bytes(kept_.data(), kept_bytes_));
  }

  std::array<char, kept_bytes_max> kept_;
  std::size_t kept_bytes_ = 0;  // 0: nothing
  const Limits* kept_within_ = nullptr;
};

enum class HeadStatus : std::uint8_t {
  head,       // `request` was filled in
  need_more,  // the head is not whole
  error,      // see `errc`
};

struct HeadResult {
  HeadStatus status;
  Errc errc;
  std::size_t consumed;  // the head, and an empty line before it; or only the latter
};

class RequestParser {
 public:
  // `limits` outlives the parser, and the requests that it parses.
  explicit RequestParser(const Limits& limits) : limits_(limits) {}

  // Requires: `input` starts with the bytes of the previous input that were not consumed.
  HeadResult next(Bytes input, Request& request);

  // A head has begun and is not whole.
  bool is_within() const { return scanned_ != 0; }

 private:
  Errc scan(Bytes input);
  HeadResult parse(Bytes input, Request& request);

  const Limits& limits_;
  std::uint32_t scanned_ = 0;           // bytes in which line ends were looked for
  std::uint32_t line_begin_ = 0;        // of the line that `scanned_` is in
  std::uint32_t first_line_bytes_ = 0;  // its line end included, once that was seen
  std::uint32_t head_bytes_ = 0;        // once the empty line was seen
  bool first_line_done_ = false;        // seen whole, and right
  bool skipped_ = false;                // an empty line before the request
};

}  // namespace ringpost::http
