#pragma once

// What sessions, registries, exchanges and branches say to each other. Every shard has one of each
// actor: the registry that has an id is chosen by the id, the exchange that orders a topic by the
// topic's name, and the branch is the one of the shard on which a subscriber is connected.

#include <cstdint>

#include "engine/actor/message.h"
#include "protocols/relay/client_id.h"

namespace ringpost::relay {

enum MessageKind : std::uint16_t {
  // HTTP to registry, asks about an id; value of the answers: 1, or 0 as is said.
  kind_register = engine::kind_protocol_first,  // for a user
  kind_registered,                              // 0: there is no room
  kind_unregister,
  kind_unregistered,  // 0: it is unknown
  kind_claim,         // to connect by it. Holds the response that will say so
  kind_claimed,       // 0: it is unknown. Its user; holds that response again
  // WebSocket session to registry.
  kind_connected,     // who claimed the id, by its own name now
  kind_disconnected,  // its end
  // Registry to WebSocket session.
  kind_removed,  // unregistered, or somebody else has connected by the same id: say goodbye
  // HTTP to exchange, an ask: an event, answered when it has its place.
  kind_publish,
  kind_published,
  // Exchange to branch: the same event in its place.
  kind_event,
  // Branch to exchange: its shard has subscribers of a topic, or none any more. Holds the topic.
  kind_subscribe,
  kind_unsubscribe,
};

// About ids. In front there is room for a payload.
inline constexpr std::size_t id_offset = 8;
inline constexpr std::size_t user_offset = id_offset + sizeof(ClientId);
inline void put_id(engine::Message& message, const ClientId& id) { message.put(id, id_offset); }
inline ClientId id_of(const engine::Message& message) { return message.get<ClientId>(id_offset); }
inline void put_user(engine::Message& message, std::uint64_t user) {
  message.put(user, user_offset);
}
inline std::uint64_t user_of(const engine::Message& message) {
  return message.get<std::uint64_t>(user_offset);
}

// An event is one payload: the topic, and behind it the whole frame that its subscribers get. The
// rest stands behind the payload's place.
struct EventHead {
  std::uint64_t user;         // whose sessions get it, if `for_user`
  std::uint32_t topic_bytes;  // at the front of the payload
  bool for_user;
};
inline constexpr std::size_t event_offset = 8;
inline void put_event_head(engine::Message& message, const EventHead& head) {
  message.put(head, event_offset);
}
inline EventHead event_head_of(const engine::Message& message) {
  return message.get<EventHead>(event_offset);
}

}  // namespace ringpost::relay
