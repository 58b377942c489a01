#pragma once

// Topics by name, looked up without making a string; and where each is at home.

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "engine/base/bytes.h"

namespace ringpost::relay {

struct TopicHash {
  using is_transparent = void;
  std::size_t operator()(engine::Bytes name) const { return std::hash<engine::Bytes>()(name); }
};

// What is kept of each topic. Never moves it.
template <typename T>
using TopicMap = std::unordered_map<std::string, T, TopicHash, std::equal_to<>>;

// Which shard's exchange orders a topic: alike on every shard of a process.
inline std::uint32_t home_of_topic(engine::Bytes name, std::uint32_t shard_count) {
  return static_cast<std::uint32_t>(TopicHash()(name) % shard_count);
}

}  // namespace ringpost::relay
