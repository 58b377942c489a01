#include "protocols/chat/branch.h"

#include "engine/base/assert.h"

namespace ringpost::chat {

using engine::Message;

Branch::Branch(engine::ActorRef self, engine::ActorRef room, engine::Post& post,
               engine::FanOutTurn& turn, std::uint64_t turn_bytes_max)
    : self_(self), room_(room), post_(post), log_(turn, turn_bytes_max) {}

void Branch::join(engine::Follower& follower, engine::Link& link) {
  ASSERT(joining_ > 0);
  --joining_;
  link.follow(follower, log_);
  if (holding_) link.pause();
}

void Branch::not_joining() {
  ASSERT(joining_ > 0);
  --joining_;
  close_if_empty();
}

void Branch::left() { close_if_empty(); }

// Whoever joins later asks the room behind this.
void Branch::close_if_empty() {
  if (log_.followers().empty() && joining_ == 0) post_.tell(room_, self_, kind_branch_close);
}

void Branch::receive(std::span<const Message> run) {
  for (const Message& message : run) {
    switch (message.kind) {
      case kind_run:
        on_run(message);
        break;
      case kind_hold:
        hold();
        break;
      case kind_go_on:
        go_on();
        break;
      default:
        ASSERT(!"a message to a branch");
    }
  }
}

void Branch::on_run(const Message& message) {
  engine::Payload lines = engine::take_payload(message);
  if (log_.followers().empty()) return;  // the last one has just left
  log_.append(std::move(lines), run_origin(message));
}

void Branch::hold() {
  holding_ = true;
  for (const engine::Follower* follower : log_.followers()) follower->link->pause();
}

void Branch::go_on() {
  holding_ = false;
  for (const engine::Follower* follower : log_.followers()) follower->link->resume();
}

}  // namespace ringpost::chat
