#pragma once

// ExactTimers: deadlines in nanoseconds, for the few things that must happen on time, as paced
// sends must. A binary heap of nodes that are embedded in their owners; time-outs, of which there
// is one per connection and which may be a millisecond late, go into the TimerWheel instead.
//
// Owned by: one shard. Called on: owner only.

#include <cstddef>
#include <utility>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/base/timer_wheel.h"

namespace ringpost::engine {

struct ExactTimerNode {
  static constexpr std::size_t nowhere = SIZE_MAX;

  TimerTarget* target = nullptr;  // set by the owner
  Nanos deadline = never;
  std::size_t place = nowhere;  // in the heap

  bool scheduled() const { return place != nowhere; }
};

class ExactTimers {
 public:
  ExactTimers() = default;
  ExactTimers(const ExactTimers&) = delete;
  ExactTimers& operator=(const ExactTimers&) = delete;

  // Schedules, or schedules anew.
  void schedule(ExactTimerNode& node, Nanos deadline) {
    cancel(node);
    node.deadline = deadline;
    heap_.push_back(&node);
    node.place = heap_.size() - 1;
    rise(node.place);
  }

  // No effect on a node that is not scheduled.
  void cancel(ExactTimerNode& node) {
    if (!node.scheduled()) return;
    const std::size_t place = std::exchange(node.place, ExactTimerNode::nowhere);
    ExactTimerNode* const last = heap_.back();
    heap_.pop_back();
    if (last == &node) return;
    put(place, *last, heap_[place]);
    sink(place);
    rise(place);
  }

  // Calls on_time of each node that is due, the earliest first; it may schedule itself anew from
  // there. No more calls than there were nodes, so that one which is always due does not hold it.
  void advance(Nanos now) {
    for (std::size_t left = heap_.size(); left != 0 && next_deadline() <= now; --left) {
      ExactTimerNode& node = *heap_.front();
      cancel(node);
      node.target->on_time();
    }
  }

  // `never` when nothing is scheduled.
  Nanos next_deadline() const { return heap_.empty() ? never : heap_.front()->deadline; }
  std::size_t count() const { return heap_.size(); }

 private:
  static void put(std::size_t place, ExactTimerNode& node, ExactTimerNode*& slot) {
    slot = &node;
    node.place = place;
  }
  void swap(std::size_t a, std::size_t b) {
    ExactTimerNode* const first = heap_[a];
    put(a, *heap_[b], heap_[a]);
    put(b, *first, heap_[b]);
  }
  bool is_earlier(std::size_t a, std::size_t b) const {
    return heap_[a]->deadline < heap_[b]->deadline;
  }

  void rise(std::size_t place) {
    while (place != 0 && is_earlier(place, (place - 1) / 2)) {
      swap(place, (place - 1) / 2);
      place = (place - 1) / 2;
    }
  }
  void sink(std::size_t place) {
    while (true) {
      std::size_t least = place;
      for (const std::size_t child : {2 * place + 1, 2 * place + 2}) {
        if (child < heap_.size() && is_earlier(child, least)) least = child;
      }
      if (least == place) return;
      swap(place, least);
      place = least;
    }
  }

  std::vector<ExactTimerNode*> heap_;
};

}  // namespace ringpost::engine
