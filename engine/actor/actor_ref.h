#pragma once

// ActorRef: who a message goes to. Eight bytes that may be copied anywhere and outlive their actor:
// the generation tells a reused slot from the one that was meant, and a message to a reference that
// is stale is disposed of (an ask is answered `gone`).

#include <cstdint>

namespace ringpost::engine {

inline constexpr std::uint32_t shard_count_max = 64;

class ActorRef {
 public:
  static constexpr std::uint32_t generation_max = (1u << 24) - 1;
  static constexpr std::uint32_t slot_max = (1u << 31) - 1;

  constexpr ActorRef() = default;  // nobody

  // An actor spawned on a shard. Requires: generation >= 1.
  static constexpr ActorRef actor(std::uint32_t shard, std::uint32_t slot,
                                  std::uint32_t generation) {
    return ActorRef(shard, slot, generation);
  }
  // The session of a connection.
  static constexpr ActorRef session(std::uint32_t shard, std::uint32_t slot,
                                    std::uint32_t generation) {
    return ActorRef(shard, slot | session_bit, generation);
  }

  constexpr std::uint32_t shard() const { return static_cast<std::uint32_t>(value_ >> 56); }
  constexpr std::uint32_t generation() const {
    return static_cast<std::uint32_t>(value_ >> 32) & generation_max;
  }
  constexpr std::uint32_t slot() const { return static_cast<std::uint32_t>(value_) & slot_max; }
  constexpr bool is_session() const { return (value_ & session_bit) != 0; }
  constexpr explicit operator bool() const { return value_ != 0; }
  friend constexpr bool operator==(ActorRef, ActorRef) = default;

 private:
  static constexpr std::uint32_t session_bit = 1u << 31;

  constexpr ActorRef(std::uint32_t shard, std::uint32_t slot, std::uint32_t generation)
      : value_((std::uint64_t{shard} << 56) | (std::uint64_t{generation & generation_max} << 32) |
               slot) {}

  std::uint64_t value_ = 0;
};
static_assert(sizeof(ActorRef) == 8);

}  // namespace ringpost::engine
