#pragma once

// Branch: the room on one shard. It appends the runs that the room sends, in order, once to the log
// that all members of this shard follow, and tells the room whether there are members at all. The
// sessions of its shard call it directly.

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

  // The member gets every later line but its own. Requires: it follows nothing.
  void join(engine::Follower& follower, engine::Link& link);
  // A member has left: its connection no longer follows the log.
  void left();

  void receive(std::span<const engine::Message> run) override;

 private:
  void on_run(const engine::Message& message);
  void hold();
  void go_on();

  engine::ActorRef self_;
  engine::ActorRef room_;
  engine::Post& post_;
  engine::FanOutLog log_;
  bool holding_ = false;
};

}  // namespace ringpost::chat
