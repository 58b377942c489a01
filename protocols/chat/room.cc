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

Room::Room(const Parts& parts, const std::vector<engine::ActorRef>& branches,
           std::size_t spill_messages_max)
    : parts_(parts), spill_messages_max_(spill_messages_max) {
  for (const engine::ActorRef branch : branches) places_.push_back({.branch = branch});
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
        places_[message.from.shard()].open = true;
        parts_.post.answer(message, kind_joined);
        break;
      case kind_branch_close:
        places_[message.from.shard()].open = false;
        break;
      default:
        ASSERT(!"a message to a room");
    }
  }
  if (holding_ || !parts_.post.congested() || spill_longest() <= spill_messages_max_) return;
  holding_ = true;
  ++parts_.counters.limit_room_spill;
  tell_branches(kind_hold);
  parts_.timers.schedule(recheck_, parts_.now + recheck_nanos);
}

void Room::on_post(const Message& message) {
  const Payload lines = engine::take_payload(message);
  for (Place& place : places_) {
    if (!place.open) continue;
    note_what_left(place);
    ++place.runs_behind;
    Message& run = parts_.post.tell(place.branch, message.to, kind_run);
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
  for (const Place& place : places_) parts_.post.tell(place.branch, engine::ActorRef(), kind);
}

void Room::note_what_left(Place& place) const {
  const engine::MessageQueue& queue = parts_.post.queue(place.branch.shard());
  if (queue.popped() < place.position) return;
  place.position = queue.popped() + queue.size();
  place.runs_before = queue.empty() ? 0 : place.runs_behind;
  place.runs_behind = 0;
}

// What waits for the lanes of other shards; this shard's own queue empties within the turn. While
// its queue is not full, what stands there only waits for the end of the turn.
std::size_t Room::spill_longest() {
  std::size_t longest = 0;
  for (Place& place : places_) {
    const std::uint32_t shard = place.branch.shard();
    if (shard == parts_.post.shard() || !parts_.post.full(shard)) continue;
    note_what_left(place);
    longest = std::max(longest, place.runs_before + place.runs_behind);
  }
  return longest;
}

}  // namespace ringpost::chat
