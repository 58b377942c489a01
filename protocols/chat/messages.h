#pragma once

// What sessions, the room and its branches say to each other. A run is one or more encoded lines of
// one sender, as one payload.

#include <cstdint>

#include "engine/actor/message.h"

namespace ringpost::chat {

enum MessageKind : std::uint16_t {
  kind_post = engine::kind_protocol_first,  // session to room: a run; `from` is its origin
  kind_run,                                 // room to branch: a run in its place, and its origin
  kind_join,          // session to room, an ask: its branch gets every run from here on
  kind_joined,        // the answer: what the branch gets behind it was posted later
  kind_branch_close,  // branch to room: it has no members any more, and none is joining
  kind_hold,          // room to branch: the senders of this shard are to pause
  kind_go_on,         // room to branch: and to go on
};

// Behind the payload of a kind_run.
inline constexpr std::size_t origin_offset = 8;

inline void put_origin(engine::Message& message, engine::ActorRef origin) {
  message.put(origin, origin_offset);
}
inline engine::ActorRef run_origin(const engine::Message& message) {
  return message.get<engine::ActorRef>(origin_offset);
}

}  // namespace ringpost::chat
