#include "protocols/http/request_parser.h"

#include <arpa/inet.h>

#include <algorithm>

namespace ringpost::http {

namespace {

// --- Hosts ---------------------------------------------------------------------------------------

bool is_ipv6(Bytes address) {
  char text[INET6_ADDRSTRLEN] = {};
  in6_addr parsed;
  if (address.size() >= sizeof text) return false;
  std::copy(address.begin(), address.end(), text);
  return inet_pton(AF_INET6, text, &parsed) == 1;
}

// IPvFuture
bool is_future_address(Bytes address) {
  const std::size_t dot = address.find('.');
  if (dot == Bytes::npos || dot < 2 || (address.front() | 0x20) != 'v') return false;
  const auto is_hex = [](char c) { return hex_value(static_cast<unsigned char>(c)) >= 0; };
  const auto may_stand = [](char c) {
    return c == ':' || (c != '%' && host_name_bytes[static_cast<unsigned char>(c)]);
  };
  const Bytes rest = address.substr(dot + 1);
  return std::all_of(address.begin() + 1, address.begin() + static_cast<std::ptrdiff_t>(dot),
                     is_hex) &&
         !rest.empty() && std::all_of(rest.begin(), rest.end(), may_stand);
}

// uri-host [ ":" port ] (RFC 3986 section 3.2.2), the host not empty (RFC 9110 section 4.2.1).
bool is_host_and_port(Bytes value) {
  const bool has_brackets = value.starts_with('[');
  const std::size_t end = has_brackets ? value.find(']') : std::min(value.find(':'), value.size());
  if (end == 0 || end == Bytes::npos) return false;
  if (has_brackets) {
    const Bytes address = value.substr(1, end - 1);
    if (!is_ipv6(address) && !is_future_address(address)) return false;
  } else {
    const Bytes name = value.substr(0, end);
    if (!all_in(host_name_bytes, name) || !percents_are_right(name)) return false;
  }
  const Bytes port = value.substr(has_brackets ? end + 1 : end);
  return port.empty() || (port.front() == ':' && all_in(digit_bytes, port.substr(1)));
}

// --- The first line ------------------------------------------------------------------------------

Errc parse_version(Bytes version, Request& request) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") &&
                           is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  if (!well_formed) return Errc::bad_request_line;
  if (version[5] != '1') return Errc::bad_version;
  // A higher minor version is dealt with as the highest that we know (RFC 9110 section 2.5).
  request.minor_version = version[7] == '0' ? 0 : 1;
  return Errc::none;
}

// Leaves the origin form or the asterisk of whichever form it is (RFC 9112 section 3.2).
Errc parse_target(Bytes target, Request& request) {
  if (!all_in(target_bytes, target) || !percents_are_right(target)) return Errc::bad_target;
  if (request.method == Method::connect) return Errc::bad_target;  // nothing here is a proxy
  if (target == "*") {
    if (request.method != Method::options) return Errc::bad_target;
  } else if (target.front() != '/') {
    const std::size_t scheme = target.find("://");
    if (scheme == Bytes::npos) return Errc::bad_target;
    const Bytes name = target.substr(0, scheme);
    if (!equals_ignoring_case(name, "http") && !equals_ignoring_case(name, "https")) {
      return Errc::bad_target;
    }
    const Bytes rest = target.substr(scheme + 3);
    const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
    if (!is_host_and_port(rest.substr(0, path))) return Errc::bad_target;
    target = path == rest.size() ? Bytes("/") : rest.substr(path);
  }
  request.target = target;
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (request.path.empty()) request.path = "/";
  request.query = mark == Bytes::npos ? Bytes() : target.substr(mark + 1);
  return Errc::none;
}

Errc parse_request_line(Bytes line, const Limits& limits, Request& request) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == Bytes::npos || first == 0 || last <= first + 1) return Errc::bad_request_line;
  request.method_name = line.substr(0, first);
  if (!all_in(token_bytes, request.method_name)) return Errc::bad_request_line;
  request.method = method_of(request.method_name);
  const Errc version = parse_version(line.substr(last + 1), request);
  if (version != Errc::none) return version;
  const Bytes target = line.substr(first + 1, last - first - 1);
  if (target.size() > limits.target_bytes_max) return Errc::target_too_long;
  return parse_target(target, request);
}

// --- The fields ----------------------------------------------------------------------------------

// What the fields of one head said so far.
struct Fields {
  std::uint32_t hosts = 0;
  FramingFields framing;
};

// The fields that say where the request ends, or what becomes of the connection.
Errc on_field(const Field& field, Fields& said, Request& request) {
  const auto is = [&](std::string_view name) { return equals_ignoring_case(field.name, name); };
  switch (field.name.size()) {
    case 4:
      if (!is("host")) break;
      ++said.hosts;
      // Empty where the target has no authority (RFC 9112 section 3.2).
      return field.value.empty() || is_host_and_port(field.value) ? Errc::none : Errc::bad_host;
    case 6:
      if (!is("expect")) break;
      if (!equals_ignoring_case(field.value, "100-continue")) return Errc::bad_expectation;
      request.expects_continue = true;
      break;
    default:
      break;
  }
  return on_framing_field(field, said.framing);
}

// What follows from the fields together (RFC 9112 sections 3.2, 6.3 and 9.3).
Errc conclude(const Fields& said, Request& request) {
  const bool is_1_0 = request.minor_version == 0;
  if (said.hosts > 1 || (said.hosts == 0 && !is_1_0)) return Errc::bad_host;
  const FramingFields& framing = said.framing;
  const Errc errc = check_framing(framing, request.minor_version);
  if (errc != Errc::none) return errc;
  request.content_length = framing.content_length;
  request.body = framing.is_chunked            ? BodyKind::chunked
                 : framing.content_length != 0 ? BodyKind::length
                                               : BodyKind::none;
  request.wants_upgrade = framing.says_upgrade;
  request.keep_alive = keeps_alive(framing, request.minor_version);
  if (is_1_0 || request.body == BodyKind::none) request.expects_continue = false;
  return Errc::none;
}

// Requires: `lines` are whole lines with their line ends, without the empty one.
Errc parse_fields(Bytes lines, Request& request) {
  Fields said;
  request.field_count = 0;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    if (request.field_count == fields_max) return Errc::head_too_large;
    Field& field = request.field_table[request.field_count++];
    Errc errc = parse_field(lines.substr(0, end - 1), field);
    if (errc == Errc::none) errc = on_field(field, said, request);
    if (errc != Errc::none) return errc;
    lines.remove_prefix(end + 1);
  }
  return conclude(said, request);
}

void clear(Request& request) {
  request.keep_alive = true;
  request.expects_continue = false;
  request.wants_upgrade = false;
  request.content_length = 0;
  request.body = BodyKind::none;
  request.field_count = 0;
}

}  // namespace

Bytes Request::find(std::string_view lower_name) const {
  for (const Field& field : fields()) {
    if (equals_ignoring_case(field.name, lower_name)) return field.value;
  }
  return {};
}

// Looks for the empty line. Each line must end with CR LF, and have no other CR.
Errc RequestParser::scan(Bytes input) {
  const Bytes head = input.substr(0, limits_.head_bytes_max);
  while (head_bytes_ == 0) {
    const std::size_t end = head.find('\n', scanned_);
    // A CR before the end of what there is may be half of a line end.
    const std::size_t line_bytes = std::min(end, head.size()) - line_begin_;
    const Bytes line = head.substr(line_begin_, line_bytes);
    const std::size_t looked = scanned_ - line_begin_;
    const std::size_t cr = line.find('\r', looked == 0 ? 0 : looked - 1);
    const bool cr_is_last = cr + 1 == line.size();
    if (cr != Bytes::npos && !cr_is_last) return Errc::bare_line_end;
    if (end == Bytes::npos) {
      scanned_ = static_cast<std::uint32_t>(head.size());
      return Errc::none;
    }
    if (cr == Bytes::npos) return Errc::bare_line_end;
    scanned_ = static_cast<std::uint32_t>(end) + 1;
    if (line_begin_ == 0) first_line_bytes_ = scanned_;
    if (line.size() == 1) head_bytes_ = scanned_;
    line_begin_ = scanned_;
  }
  return Errc::none;
}

HeadResult RequestParser::next(Bytes input, Request& request) {
  if (scanned_ == 0 && !skipped_ && request.is_repeated(input, limits_)) {
    return {HeadStatus::head, Errc::none, request.kept_bytes_};
  }
  request.kept_bytes_ = 0;
  return parse(input, request);
}

HeadResult RequestParser::parse(Bytes input, Request& request) {
  std::size_t before = 0;
  // One empty line before a request is dropped (section 2.2).
  if (!skipped_ && scanned_ <= 1 && input.starts_with("\r\n")) {
    skipped_ = true;
    scanned_ = 0;
    before = 2;
    input.remove_prefix(2);
  }
  const auto failed = [&](Errc errc) { return HeadResult{HeadStatus::error, errc, before}; };
  clear(request);
  const Errc line_ends = scan(input);
  const bool is_kept = head_bytes_ != 0 && head_bytes_ <= Request::kept_bytes_max;
  if (is_kept) {
    std::copy_n(input.begin(), head_bytes_, request.kept_.begin());
    input = Bytes(request.kept_.data(), head_bytes_);
  }
  // The first line is looked at as soon as it is whole: who speaks another protocol hears so.
  const bool look = !first_line_done_ || head_bytes_ != 0;
  if (first_line_bytes_ > 2 && look) {
    const Bytes line = input.substr(0, first_line_bytes_ - 2);
    const Errc errc = parse_request_line(line, limits_, request);
    if (errc != Errc::none) return failed(errc);
    first_line_done_ = true;
  }
  if (line_ends != Errc::none) return failed(line_ends);
  if (head_bytes_ == 0) {
    if (input.size() < limits_.head_bytes_max) return {HeadStatus::need_more, Errc::none, before};
    return failed(first_line_done_ ? Errc::head_too_large : Errc::target_too_long);
  }
  if (!first_line_done_) return failed(Errc::bad_request_line);  // nothing but empty lines
  const std::size_t fields_bytes = head_bytes_ - 2 - first_line_bytes_;
  const Errc errc = parse_fields(input.substr(first_line_bytes_, fields_bytes), request);
  if (errc != Errc::none) return failed(errc);
  if (is_kept) {
    request.kept_bytes_ = head_bytes_;
    request.kept_within_ = &limits_;
  }
  const std::size_t consumed = before + head_bytes_;
  scanned_ = line_begin_ = first_line_bytes_ = head_bytes_ = 0;
  first_line_done_ = skipped_ = false;
  return {HeadStatus::head, Errc::none, consumed};
}

}  // namespace ringpost::http
