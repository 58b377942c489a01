#include "protocols/chat/room.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace ringpost::chat {

using engine::Message;
using engine::Payload;

namespace {
// How often a room that holds its senders looks whether the lanes have room again.
constexpr engine::Nanos recheck_nanos = engine::nanos_per_ms;
}  // namespace

Room::Room(const Parts& parts, std::vector<engine::ActorRef> branches,
           std::size_t spill_messages_max)
    : parts_(parts),
      branches_(std::move(branches)),
      open_(branches_.size()),
      spill_messages_max_(spill_messages_max) {
  recheck_.target = this;
}

Room::~Room() { parts_.timers.cancel(recheck_); }

void Room::receive(std::span<const Message> run) {
  for (const Message& message : run) {
    switch (message.kind) {
      case kind_post:
        on_post(message);
        break;
      case kind_join:
        open_[message.from.shard()] = true;
        parts_.post.answer(message, kind_joined);
        break;
      case kind_branch_close:
        open_[message.from.shard()] = false;
        break;
      default:
        ASSERT(!"a message to a room");
    }
  }
  if (holding_ || spill_longest() <= spill_messages_max_) return;
  holding_ = true;
  ++parts_.counters.limit_room_spill;
  tell_branches(kind_hold);
  parts_.timers.schedule(recheck_, parts_.now + recheck_nanos);
}

void Room::on_post(const Message& message) {
  const Payload lines = engine::take_payload(message);
  for (std::size_t shard = 0; shard < branches_.size(); ++shard) {
    if (!open_[shard]) continue;
    Message& run = parts_.post.tell(branches_[shard], message.to, kind_run);
    run.put_payload(lines.share());
    put_origin(run, message.from);
  }
}

void Room::on_time() {
  if (spill_longest() > spill_messages_max_ / 2) {
    parts_.timers.schedule(recheck_, parts_.now + recheck_nanos);
    return;
  }
  holding_ = false;
  tell_branches(kind_go_on);
}

void Room::tell_branches(std::uint16_t kind) {
  for (const engine::ActorRef branch : branches_) {
    parts_.post.tell(branch, engine::ActorRef(), kind);
  }
}

// What waits for the lanes of other shards; this shard's own queue empties within the turn. While
// no lane is full, what stands in a queue only waits for the end of the turn.
std::size_t Room::spill_longest() const {
  if (!parts_.post.congested()) return 0;
  std::size_t longest = 0;
  for (const engine::ActorRef branch : branches_) {
    if (branch.shard() == parts_.post.shard()) continue;
    longest = std::max(longest, parts_.post.queue(branch.shard()).size());
  }
  return longest;
}

}  // namespace ringpost::chat
