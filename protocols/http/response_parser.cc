#include "protocols/http/response_parser.h"

#include <algorithm>

namespace ringpost::http {

namespace {

constexpr std::string_view protocol_name = "HTTP/";
constexpr std::uint16_t status_min = 100, status_max = 599;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// HTTP/d.d SP ddd [SP reason]
Errc parse_status_line(Bytes line, std::uint16_t& status, std::uint8_t& minor_version) {
  const bool has_version = line.size() >= 12 && line.starts_with(protocol_name) &&
                           is_digit(line[5]) && line[6] == '.' && is_digit(line[7]) &&
                           line[8] == ' ';
  if (!has_version) return Errc::bad_status_line;
  if (line[5] != '1') return Errc::bad_version;
  minor_version = line[7] == '0' ? 0 : 1;
  const Bytes digits = line.substr(9, 3);
  if (!std::ranges::all_of(digits, is_digit)) return Errc::bad_status_line;
  status = static_cast<std::uint16_t>((digits[0] - '0') * 100 + (digits[1] - '0') * 10 +
                                      (digits[2] - '0'));
  const Bytes reason = line.substr(12);
  const bool right = status >= status_min && status <= status_max &&
                     (reason.empty() || reason.front() == ' ') && all_in(value_bytes, reason);
  return right ? Errc::none : Errc::bad_status_line;
}

}  // namespace

Bytes ResponseHead::find(std::string_view lower_name) const {
  for (Bytes lines = field_lines; !lines.empty();) {
    const std::size_t end = lines.find('\n');
    const Bytes line = lines.substr(0, end - 1);
    const std::size_t colon = line.find(':');
    if (equals_ignoring_case(line.substr(0, colon), lower_name)) {
      return trimmed(line.substr(colon + 1));
    }
    lines.remove_prefix(end + 1);
  }
  return {};
}

Errc ResponseParser::on_line(Bytes line) {
  if (!line.ends_with('\r')) return Errc::bare_line_end;
  line.remove_suffix(1);
  if (line.find('\r') != Bytes::npos) return Errc::bare_line_end;
  if (status_ == 0) return parse_status_line(line, status_, minor_version_);
  Field field;
  const Errc errc = parse_field(line, field);
  return errc == Errc::none ? on_framing_field(field, framing_) : errc;
}

// What the lines say together (RFC 9112 section 6.3).
Errc ResponseParser::conclude(ResponseHead& head) const {
  const Errc errc = check_framing(framing_, minor_version_);
  if (errc != Errc::none) return errc;
  const bool has_body = !answers_head_ && status_ >= 200 && status_ != 204 && status_ != 304;
  head.status = status_;
  head.minor_version = minor_version_;
  head.content_length = framing_.content_length;
  if (!has_body) {
    head.body = BodyKind::none;
  } else if (framing_.is_chunked) {
    head.body = BodyKind::chunked;
  } else if (framing_.has_length) {
    head.body = framing_.content_length != 0 ? BodyKind::length : BodyKind::none;
  } else {
    head.body = BodyKind::until_close;
  }
  head.keep_alive = keeps_alive(framing_, minor_version_) && head.body != BodyKind::until_close;
  head.wants_upgrade = framing_.says_upgrade;
  return Errc::none;
}

void ResponseParser::clear() {
  framing_ = {};
  status_ = 0;
  scanned_ = line_begin_ = fields_begin_ = 0;
}

HeadResult ResponseParser::next(Bytes input, ResponseHead& head) {
  const auto failed = [&](Errc errc) { return HeadResult{HeadStatus::error, errc, line_begin_}; };
  const Bytes window = input.substr(0, limits_.head_bytes_max);
  const Bytes begin = window.substr(0, protocol_name.size());
  if (begin != protocol_name.substr(0, begin.size())) return failed(Errc::bad_status_line);
  for (;;) {
    const std::size_t end = window.find('\n', scanned_);
    if (end == Bytes::npos) {
      scanned_ = static_cast<std::uint32_t>(window.size());
      if (window.size() == limits_.head_bytes_max) return failed(Errc::head_too_large);
      return {HeadStatus::need_more, Errc::none, 0};
    }
    const Bytes line = window.substr(line_begin_, end - line_begin_);
    const bool is_last = status_ != 0 && line == "\r";
    const Errc errc = is_last ? conclude(head) : on_line(line);
    if (errc != Errc::none) return failed(errc);
    if (is_last) {
      head.field_lines = window.substr(fields_begin_, line_begin_ - fields_begin_);
      clear();
      return {HeadStatus::head, Errc::none, end + 1};
    }
    scanned_ = line_begin_ = static_cast<std::uint32_t>(end) + 1;
    if (fields_begin_ == 0) fields_begin_ = line_begin_;
  }
}

}  // namespace ringpost::http
