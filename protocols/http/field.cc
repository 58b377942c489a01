#include "protocols/http/field.h"

#include <charconv>

namespace ringpost::http {

namespace {

Errc on_content_length(Bytes value, FramingFields& framing) {
  if (framing.has_length) return Errc::bad_content_length;
  framing.has_length = true;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, framing.content_length);
  // from_chars takes digits alone: no sign for an unsigned type, no space, no 0x.
  if (value.empty() || error != std::errc() || stop != end) return Errc::bad_content_length;
  return Errc::none;
}

// Codings that end with chunked and have it once: where the message ends is known.
bool ends_with_chunked(Bytes codings) {
  bool are_tokens = true;
  bool is_last = false;
  std::size_t count = 0, chunked_count = 0;
  for_each_in_list(codings, [&](Bytes coding) {
    ++count;
    are_tokens &= all_in(token_bytes, coding);
    is_last = equals_ignoring_case(coding, "chunked");
    if (is_last) ++chunked_count;
  });
  return are_tokens && is_last && chunked_count == 1 && count > 1;
}

Errc on_transfer_encoding(Bytes value, FramingFields& framing) {
  if (framing.has_coding) return Errc::bad_transfer_encoding;
  framing.has_coding = true;
  framing.is_chunked = equals_ignoring_case(value, "chunked");
  if (framing.is_chunked) return Errc::none;
  return ends_with_chunked(value) ? Errc::unknown_coding : Errc::bad_transfer_encoding;
}

void on_connection(Bytes value, FramingFields& framing) {
  for_each_in_list(value, [&](Bytes option) {
    if (equals_ignoring_case(option, "close")) framing.says_close = true;
    if (equals_ignoring_case(option, "keep-alive")) framing.says_keep_alive = true;
    if (equals_ignoring_case(option, "upgrade")) framing.says_upgrade = true;
  });
}

}  // namespace

Errc parse_field(Bytes line, Field& field) {
  const std::size_t colon = line.find(':');
  // No white space before the colon, none before the name: that would be a folded line.
  if (colon == Bytes::npos || colon == 0) return Errc::bad_field;
  field.name = line.substr(0, colon);
  field.value = trimmed(line.substr(colon + 1));
  const bool right = all_in(token_bytes, field.name) && all_in(value_bytes, field.value);
  return right ? Errc::none : Errc::bad_field;
}

Errc on_framing_field(const Field& field, FramingFields& framing) {
  const auto is = [&](std::string_view name) { return equals_ignoring_case(field.name, name); };
  switch (field.name.size()) {
    case 10:
      if (is("connection")) on_connection(field.value, framing);
      return Errc::none;
    case 14:
      return is("content-length") ? on_content_length(field.value, framing) : Errc::none;
    case 17:
      return is("transfer-encoding") ? on_transfer_encoding(field.value, framing) : Errc::none;
    default:
      return Errc::none;
  }
}

// RFC 9112 section 6.3
Errc check_framing(const FramingFields& framing, std::uint8_t minor_version) {
  if (framing.has_coding && framing.has_length) return Errc::two_lengths;
  if (framing.has_coding && minor_version == 0) return Errc::bad_transfer_encoding;
  return Errc::none;
}

}  // namespace ringpost::http
