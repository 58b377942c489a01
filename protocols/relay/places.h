#pragma once

// Places: where the actors of all shards are, by shard. Ids and topics have a home among
// them, alike on every shard of a process.

#include <cstdint>
#include <vector>

#include "engine/actor/actor_ref.h"
#include "protocols/relay/client_id.h"
#include "protocols/relay/topic_map.h"

namespace ringpost::relay {

struct Places {
  // The slots are the same on every shard.
  Places(std::uint32_t shard_count, std::uint32_t slot_registry, std::uint32_t slot_exchange,
         std::uint32_t slot_branch) {
    for (std::uint32_t i = 0; i < shard_count; ++i) {
      registries.push_back(engine::ActorRef::actor(i, slot_registry, 1));
      exchanges.push_back(engine::ActorRef::actor(i, slot_exchange, 1));
      branches.push_back(engine::ActorRef::actor(i, slot_branch, 1));
    }
  }

  engine::ActorRef registry_of(const ClientId& id) const {
    return registries[id.home(static_cast<std::uint32_t>(registries.size()))];
  }
  // Which exchange orders a topic.
  engine::ActorRef exchange_of(engine::Bytes topic) const {
    return exchanges[TopicHash()(topic) % exchanges.size()];
  }

  std::vector<engine::ActorRef> registries;
  std::vector<engine::ActorRef> exchanges;
  std::vector<engine::ActorRef> branches;
};

}  // namespace ringpost::relay
