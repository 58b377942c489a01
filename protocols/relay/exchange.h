#pragma once

// Exchange: gives every event of the topics whose home is one shard its place in the one order of
// its topic (WS-17), and sends it to the branch of each shard that has subscribers of the topic.
//
// Bounded: while the queue to a shard that is to get an event is full, its publisher waits for the
// answer. So what waits here is what publishers have outstanding, and the full queue.
//
// Owned by: one shard. Called on: its shard only.

#include <cstdint>
#include <vector>

#include "engine/actor/actor.h"
#include "engine/actor/post.h"
#include "engine/base/fifo.h"
#include "engine/base/timer_wheel.h"
#include "engine/net/counters.h"
#include "protocols/relay/topic_map.h"

namespace ringpost::relay {

class Exchange final : public engine::Actor, public engine::TimerTarget {
 public:
  struct Parts {
    engine::Post& post;
    engine::TimerWheel& timers;
    engine::Counters& counters;
    const engine::Nanos& now;
  };

  // `branches`: of each shard.
  Exchange(const Parts& parts, const std::vector<engine::ActorRef>& branches);
  ~Exchange() override;

  void receive(std::span<const engine::Message> run) override;

 private:
  void on_publish(const engine::Message& message);
  void on_subscribe(const engine::Message& message);
  void on_unsubscribe(const engine::Message& message);
  void answer_waiting();
  void on_time() override;

  Parts parts_;
  std::vector<engine::ActorRef> branches_;
  TopicMap<std::uint64_t> topics_;         // which shards have subscribers, a bit each
  engine::Fifo<engine::Message> placed_;   // asks of this run, to be answered at its end
  engine::Fifo<engine::Message> waiting_;  // asks whose answers wait for room; they hold nothing
  engine::TimerNode recheck_;
};

}  // namespace ringpost::relay
