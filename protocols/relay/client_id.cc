#include "protocols/relay/client_id.h"

namespace ringpost::relay {

namespace {

// -1: not a lower-case hex digit.
int value_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::optional<ClientId> ClientId::parse(engine::Bytes text) {
  if (text.size() != id_text_bytes) return std::nullopt;
  std::array<std::uint8_t, 16> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = value_of(text[2 * i]);
    const int low = value_of(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  const ClientId id(bytes);
  if (id.bytes_ != bytes) return std::nullopt;
  return id;
}

std::array<char, id_text_bytes> ClientId::text() const {
  constexpr char digits[] = "0123456789abcdef";
  std::array<char, id_text_bytes> text;
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    text[2 * i] = digits[bytes_[i] >> 4];
    text[2 * i + 1] = digits[bytes_[i] & 0x0f];
  }
  return text;
}

}  // namespace ringpost::relay
