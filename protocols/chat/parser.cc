#include "protocols/chat/parser.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "protocols/chat/format.h"

namespace ringpost::chat {

namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != 0x09) || byte == 0x7f;
}

// Sixteen bytes side by side; every compiler of ours makes vector instructions of its operators. A
// comparison gives FF where it holds and 00 where not.
typedef unsigned char Vector __attribute__((vector_size(16)));
constexpr std::size_t vector_bytes = sizeof(Vector);

Vector load(const char* p) {
  Vector bytes;
  std::memcpy(&bytes, p, sizeof bytes);
  return bytes;
}

Vector control_marks(Vector bytes) {
  return static_cast<Vector>(((bytes < 0x20) & (bytes != 0x09)) | (bytes == 0x7f));
}

bool any(Vector marks) {
  std::uint64_t halves[2];
  std::memcpy(halves, &marks, sizeof halves);
  return (halves[0] | halves[1]) != 0;
}

bool has_control(Bytes text) {
  constexpr std::size_t block = 4 * vector_bytes;
  const char* p = text.data();
  std::size_t left = text.size();
  if (left < vector_bytes) return std::any_of(text.begin(), text.end(), is_control);
  for (; left >= block; p += block, left -= block) {
    const Vector marks = control_marks(load(p)) | control_marks(load(p + vector_bytes)) |
                         control_marks(load(p + 2 * vector_bytes)) |
                         control_marks(load(p + 3 * vector_bytes));
    if (any(marks)) return true;
  }
  // The last bytes are looked at once more, together with some before them.
  Vector marks = control_marks(load(p + left - vector_bytes));
  for (; left >= vector_bytes; p += vector_bytes, left -= vector_bytes)
    marks |= control_marks(load(p));
  return any(marks);
}

}  // namespace

std::optional<Errc> check_nick(Bytes line) {
  const bool good = !line.empty() && line.size() <= nick_bytes_max && line.front() != error_mark &&
                    !has_control(line);
  return good ? std::nullopt : std::optional(Errc::bad_nick);
}

std::optional<Errc> check_message(Bytes line) {
  return has_control(line) ? std::optional(Errc::bad_character) : std::nullopt;
}

}  // namespace ringpost::chat
