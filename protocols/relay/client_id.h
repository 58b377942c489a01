#pragma once

// ClientId: what a registration is known by: 128 bits, of which 122 are random (a version 4 UUID,
// RFC 9562 section 5.4), written as 32 lower-case hex digits. Whoever knows it may connect and
// unregister, so it comes from a source that cannot be guessed.

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "engine/base/bytes.h"

namespace ringpost::relay {

inline constexpr std::size_t id_text_bytes = 32;

class ClientId {
 public:
  ClientId() = default;
  // Sets the bits of the version and the variant.
  explicit ClientId(const std::array<std::uint8_t, 16>& random) : bytes_(random) {
    bytes_[6] = static_cast<std::uint8_t>((bytes_[6] & 0x0f) | 0x40);
    bytes_[8] = static_cast<std::uint8_t>((bytes_[8] & 0x3f) | 0x80);
  }
  // Nothing if the text is no id of ours.
  static std::optional<ClientId> parse(engine::Bytes text);

  std::array<char, id_text_bytes> text() const;
  // Uniform, and alike on every shard: which shard's registry has it.
  std::uint32_t home(std::uint32_t shard_count) const { return word(0) % shard_count; }
  std::size_t hash() const { return std::size_t{word(0)} << 32 | word(12); }

  friend bool operator==(const ClientId&, const ClientId&) = default;

 private:
  std::uint32_t word(std::size_t at) const {
    std::uint32_t value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }

  std::array<std::uint8_t, 16> bytes_ = {};
};

struct ClientIdHash {
  std::size_t operator()(const ClientId& id) const { return id.hash(); }
};

// Where new ones come from. Called on: one shard.
class ClientIdSource {
 public:
  virtual ClientId next() = 0;

 protected:
  ~ClientIdSource() = default;
};

}  // namespace ringpost::relay
