#include "protocols/http/writer.h"

#include <charconv>
#include <cstring>

#include "engine/base/assert.h"
#include "protocols/http/date.h"

namespace ringpost::http {

namespace {

constexpr Bytes version_text = "HTTP/1.1 ";
constexpr Bytes type_text = "content-type: ";
constexpr Bytes length_text = "content-length: ";
constexpr Bytes close_text = "connection: close\r\n";
constexpr Bytes date_text = "date: ";
constexpr Bytes line_end = "\r\n";

bool is_informational(const Response& response) { return response.status < 200; }

std::size_t digits_of(std::size_t number) {
  std::size_t digits = 1;
  while (number >= 10) {
    number /= 10;
    ++digits;
  }
  return digits;
}

char* put(char* out, Bytes bytes) {
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

char* put_number(char* out, std::size_t number) {
  return std::to_chars(out, out + digits_of(number), number).ptr;
}

}  // namespace

std::size_t response_bytes(const Response& response) {
  std::size_t bytes = version_text.size() + 3 + 1 + reason_phrase(response.status).size() +
                      line_end.size() + response.fields.size() + response.common_fields.size() +
                      line_end.size();
  if (!response.content_type.empty()) {
    bytes += type_text.size() + response.content_type.size() + line_end.size();
  }
  if (response.close) bytes += close_text.size();
  if (is_informational(response)) return bytes;
  bytes += length_text.size() + digits_of(response.content.size()) + line_end.size();
  bytes += date_text.size() + date_bytes + line_end.size();
  return response.leave_content_out ? bytes : bytes + response.content.size();
}

char* write_response(char* out, const Response& response, Bytes date) {
  const std::string_view phrase = reason_phrase(response.status);
  ASSERT(!phrase.empty());
  out = put(out, version_text);
  out = put_number(out, response.status);
  *out++ = ' ';
  out = put(out, phrase);
  out = put(out, line_end);
  if (!response.content_type.empty()) {
    out = put(out, type_text);
    out = put(out, response.content_type);
    out = put(out, line_end);
  }
  out = put(out, response.fields);
  out = put(out, response.common_fields);
  if (response.close) out = put(out, close_text);
  if (is_informational(response)) return put(out, line_end);
  out = put(out, length_text);
  out = put_number(out, response.content.size());
  out = put(out, line_end);
  out = put(out, date_text);
  ASSERT(date.size() == date_bytes);
  out = put(out, date);
  out = put(out, line_end);
  out = put(out, line_end);
  return response.leave_content_out ? out : put(out, response.content);
}

}  // namespace ringpost::http
