#pragma once

// Branch: the room on one shard. It appends the runs that the room sends, in order, once to the log
// that all members of this shard follow, and tells the room when there are none. The sessions of
// its shard call it directly.
//
// A session joins through the room, so that its membership has a place in the one order too: it
// asks the room, and starts to follow the log when the answer comes, which is behind every run
// posted before the ask was handled and before every later one.

#include <cstdint>
#include <vector>

#include "engine/actor/actor.h"
#include "engine/actor/post.h"
#include "engine/net/fan_out_log.h"
#include "engine/net/session.h"
#include "protocols/chat/messages.h"

namespace ringpost::chat {

class Branch final : public engine::Actor {
 public:
  // `turn_bytes_max`: see FanOutLog.
  Branch(engine::ActorRef self, engine::ActorRef room, engine::Post& post, engine::FanOutTurn& turn,
         std::uint64_t turn_bytes_max);

  engine::ActorRef room() const { return room_; }

  // A session asks the room to let it join. Then, once: `join` with the room's answer, or
  // `not_joining` if the session ended before it.
  void joining() { ++joining_; }
  // The member gets every later line but its own. Requires: it follows nothing.
  void join(engine::Follower& follower, engine::Link& link);
  void not_joining();
  // A member has left: its connection no longer follows the log.
  void left();

  void receive(std::span<const engine::Message> run) override;

 private:
  void on_run(const engine::Message& message);
  void hold();
  void go_on();
  void close_if_empty();

  engine::ActorRef self_;
  engine::ActorRef room_;
  engine::Post& post_;
  engine::FanOutLog log_;
  std::uint32_t joining_ = 0;
  bool holding_ = false;
};

}  // namespace ringpost::chat
