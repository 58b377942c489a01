#include "engine/shard/mesh.h"

#include <unistd.h>

#include "engine/base/assert.h"

namespace ringpost::engine {

Mesh::Mesh(std::uint32_t shard_count, std::size_t lane_capacity) : shard_count_(shard_count) {
  ASSERT(shard_count >= 1 && shard_count <= shard_count_max);
  for (std::uint32_t source = 0; source < shard_count; ++source) {
    for (std::uint32_t target = 0; target < shard_count; ++target) {
      lanes_.push_back(source == target ? nullptr : std::make_unique<Lane>(lane_capacity));
    }
    parkers_.emplace_back();
    inboxes_.emplace_back();
  }
}

Mesh::~Mesh() {
  const auto drop = [](const Message& message) { dispose(message, ::close); };
  for (const auto& lane : lanes_) {
    if (lane == nullptr) continue;
    Lane::Consumer consumer = lane->consumer();
    Message message;
    while (consumer.try_pop(message)) drop(message);
  }
  for (Inbox& inbox : inboxes_) {
    Message message;
    while (inbox.pop({&message, 1}) != 0) drop(message);
  }
}

MeshPort Mesh::take_port(std::uint32_t shard) {
  MeshPort port;
  for (std::uint32_t other = 0; other < shard_count_; ++other) {
    if (other == shard) {
      port.to.emplace_back();
      port.from.emplace_back();
    } else {
      port.to.emplace_back(lane(shard, other).producer());
      port.from.emplace_back(lane(other, shard).consumer());
    }
  }
  return port;
}

}  // namespace ringpost::engine
