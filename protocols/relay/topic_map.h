#pragma once

// Topics by name, looked up without making a string.

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

}  // namespace ringpost::relay
