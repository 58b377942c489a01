#pragma once

// Inbox: how threads that are not shards reach one: signals, an admin, a resolver. Many producers,
// seldom anything in it; the shard drains it in bounded portions. It stands on moodycamel's
// ConcurrentQueue, which takes any thread without registering it first.
//
// Bounded by its producers: each of ours has at most a few messages on the way.

#include <concurrentqueue/concurrentqueue.h>

#include <cstddef>
#include <span>

#include "engine/actor/message.h"

namespace ringpost::engine {

class Inbox {
 public:
  // Called on: any thread. The caller then wakes the shard if its Parker says so.
  void push(const Message& message) { queue_.enqueue(message); }

  // Called on: the shard. Returns how many messages it took.
  std::size_t pop(std::span<Message> target) {
    return queue_.try_dequeue_bulk(target.begin(), target.size());
  }

  // For the look before the sleep: what was pushed before a Parker was claimed is seen after its
  // announcement.
  bool empty() const { return queue_.size_approx() == 0; }

 private:
  moodycamel::ConcurrentQueue<Message> queue_{64};
};

}  // namespace ringpost::engine
