#pragma once

// Room: gives every line of the chat its place in one total order (CH-8). It lives on one shard,
// its home; each shard has a Branch, which holds the log that the shard's members follow. A session
// posts its runs to the room; the room sends each run, in the order in which the runs came, to
// every branch that has members.
//
// Bounded: when more than `spill_messages_max` of its messages wait for a branch whose lane is
// full, the room holds back all senders, on every shard, until the lanes have room again. What else
// can come is what was on its way. What other actors have waiting for that shard does not count.

#include <cstdint>
#include <vector>

#include "engine/actor/actor.h"
#include "engine/actor/post.h"
#include "engine/base/timer_wheel.h"
#include "engine/net/counters.h"
#include "protocols/chat/messages.h"

namespace ringpost::chat {

class Room final : public engine::Actor, public engine::TimerTarget {
 public:
  struct Parts {
    engine::Post& post;
    engine::TimerWheel& timers;
    engine::Counters& counters;
    const engine::Nanos& now;
  };

  // `branches` is where each shard's branch is.
  Room(const Parts& parts, const std::vector<engine::ActorRef>& branches,
       std::size_t spill_messages_max);
  ~Room() override;

  void receive(std::span<const engine::Message> run) override;

 private:
  struct Place {
    engine::ActorRef branch;
    bool open = false;  // the branch has members, or will
    // How many runs stand in the queue of its shard, among the messages of others: counted by age,
    // in those before a position of the queue and those behind it, because only the queue knows
    // what has left it. So this is a bound: the first count drops to nothing as a whole.
    std::uint64_t position = 0;
    std::size_t runs_before = 0;
    std::size_t runs_behind = 0;
  };

  void on_post(const engine::Message& message);
  void on_time() override;
  void tell_branches(std::uint16_t kind);
  void note_what_left(Place& place) const;
  std::size_t spill_longest();

  Parts parts_;
  std::vector<Place> places_;  // by shard
  std::size_t spill_messages_max_;
  bool holding_ = false;  // the senders are paused
  engine::TimerNode recheck_;
};

}  // namespace ringpost::chat
