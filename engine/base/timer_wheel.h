#pragma once

// TimerWheel: coarse time-outs (1 ms) for many owners at O(1) each. Seven levels of 64 slots: a
// node sits in the level of the highest bit in which its deadline differs from the wheel's time,
// and moves down as time comes nearer. Nodes are embedded in their owners, so scheduling allocates
// nothing.
//
// A node fires in the first `advance` whose time is at or past its deadline rounded up to a
// millisecond, or as soon after it as the bound of work allows: never early.
//
// Owned by: one shard. Called on: owner only.

#include <array>
#include <bit>
#include <cstdint>

#include "engine/base/assert.h"
#include "engine/base/clock.h"

namespace ringpost::engine {

// Whoever embeds a node.
class TimerTarget {
 public:
  virtual void on_time() = 0;

 protected:
  ~TimerTarget() = default;
};

struct TimerNode {
  TimerTarget* target = nullptr;  // set by the owner, for whoever advances the wheel
  TimerNode* previous = nullptr;  // null: not scheduled
  TimerNode* next = nullptr;
  std::uint64_t tick = 0;  // deadline in wheel ticks

  bool scheduled() const { return previous != nullptr; }
};

class TimerWheel {
 public:
  static constexpr Nanos tick_nanos = nanos_per_ms;

  explicit TimerWheel(Nanos now) : start_(now) {
    for (auto& level : slots_) {
      for (TimerNode& head : level) head.previous = head.next = &head;
    }
    reached_.previous = reached_.next = &reached_;
  }
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Schedules, or schedules anew. A deadline in the past fires at the next advance.
  void schedule(TimerNode& node, Nanos deadline) {
    cancel(node);
    const std::uint64_t tick = tick_after(deadline);
    node.tick = tick > now_tick_ ? tick : now_tick_ + 1;
    insert(node);
    ++count_;
  }

  // No effect on a node that is not scheduled.
  void cancel(TimerNode& node) {
    if (!node.scheduled()) return;
    unlink(node);
    --count_;
  }

  // Moves time forward and calls fire(TimerNode&) for each node that is due; the node may be
  // scheduled anew from there, and other nodes cancelled. Handles at most `nodes_max`, those that
  // only move a level down included. False: there are more, for the next call, and next_deadline()
  // is not ahead of `now`.
  template <typename Fire>
  bool advance(Nanos now, std::size_t nodes_max, Fire&& fire) {
    const std::uint64_t target =
        now <= start_ ? 0 : static_cast<std::uint64_t>((now - start_) / tick_nanos);
    std::size_t nodes_left = nodes_max;
    while (handle_reached(nodes_left, fire)) {
      if (now_tick_ >= target) return true;
      const std::uint64_t next = next_event_tick();
      if (next > target) {
        now_tick_ = target;
        return true;
      }
      step_to(next);
    }
    return false;
  }

  // When `advance` has something to do next: a lower bound of the earliest deadline, `never` when
  // nothing is scheduled.
  Nanos next_deadline() const {
    if (count_ == 0) return never;
    if (reached_.next != &reached_) return start_ + static_cast<Nanos>(now_tick_) * tick_nanos;
    return start_ + static_cast<Nanos>(next_event_tick()) * tick_nanos;
  }

  std::size_t count() const { return count_; }

 private:
  static constexpr int level_bits = 6;
  static constexpr std::size_t slot_count = 1u << level_bits;
  static constexpr std::size_t level_count = 7;  // 64^7 ms, some 139 years
  static constexpr std::uint64_t horizon = std::uint64_t{1} << (level_bits * level_count);

  std::uint64_t tick_after(Nanos deadline) const {
    if (deadline <= start_) return 0;
    const std::uint64_t ticks =
        (static_cast<std::uint64_t>(deadline - start_) + tick_nanos - 1) / tick_nanos;
    return ticks;
  }

  void insert(TimerNode& node) {
    std::uint64_t tick = node.tick;
    // Past the horizon: park in the last slot reachable and look again from there.
    if (tick - now_tick_ >= horizon / 2) tick = now_tick_ + horizon / 2 - 1;
    const std::uint64_t differing = (tick ^ now_tick_) | (slot_count - 1);
    const auto level = static_cast<std::size_t>(63 - std::countl_zero(differing)) / level_bits;
    const std::size_t slot = (tick >> (level * level_bits)) & (slot_count - 1);
    ASSERT(level < level_count);
    TimerNode& head = slots_[level][slot];
    node.previous = head.previous;
    node.next = &head;
    head.previous->next = &node;
    head.previous = &node;
    occupied_[level] |= std::uint64_t{1} << slot;
  }

  static void unlink(TimerNode& node) {
    node.previous->next = node.next;
    node.next->previous = node.previous;
    node.previous = node.next = nullptr;
  }

  // The next tick at which a slot must be looked at. Bits of emptied slots are cleared lazily in
  // step_to.
  std::uint64_t next_event_tick() const {
    for (std::size_t level = 0; level < level_count; ++level) {
      const auto shift = static_cast<unsigned>(level) * level_bits;
      const std::uint64_t at = (now_tick_ >> shift) & (slot_count - 1);
      // Slots of this level at or before `at` belong to the round that is over.
      const std::uint64_t ahead =
          at == slot_count - 1 ? 0 : occupied_[level] & (~std::uint64_t{0} << (at + 1));
      if (ahead == 0) continue;
      const auto slot = static_cast<std::uint64_t>(std::countr_zero(ahead));
      const std::uint64_t round = now_tick_ >> (shift + level_bits) << (shift + level_bits);
      return round | (slot << shift);
    }
    // Nothing this round on any level: the wheel's end, where parked nodes would be looked at.
    return now_tick_ + horizon / 2;
  }

  // Takes out of each level the slot that the time has come to.
  void step_to(std::uint64_t tick) {
    now_tick_ = tick;
    for (std::size_t level = level_count; level-- > 0;) {
      const auto shift = static_cast<unsigned>(level) * level_bits;
      if (level > 0 && (tick & ((std::uint64_t{1} << shift) - 1)) != 0) continue;
      const std::size_t slot = (tick >> shift) & (slot_count - 1);
      const std::uint64_t bit = std::uint64_t{1} << slot;
      if ((occupied_[level] & bit) == 0) continue;
      occupied_[level] &= ~bit;
      move_to_reached(slots_[level][slot]);
    }
  }

  void move_to_reached(TimerNode& head) {
    if (head.next == &head) return;
    head.next->previous = reached_.previous;
    reached_.previous->next = head.next;
    head.previous->next = &reached_;
    reached_.previous = head.previous;
    head.previous = head.next = &head;
  }

  // Fires what is due of the slots that the time has come to, and moves the rest to where it
  // belongs now. False: more is left than `nodes_left`, which it counts down.
  template <typename Fire>
  bool handle_reached(std::size_t& nodes_left, Fire&& fire) {
    while (reached_.next != &reached_) {
      if (nodes_left == 0) return false;
      --nodes_left;
      TimerNode& node = *reached_.next;
      unlink(node);
      if (node.tick <= now_tick_) {
        --count_;
        fire(node);
      } else {
        insert(node);
      }
    }
    return true;
  }

  Nanos start_;
  std::uint64_t now_tick_ = 0;
  std::size_t count_ = 0;
  std::array<std::uint64_t, level_count> occupied_ = {};
  std::array<std::array<TimerNode, slot_count>, level_count> slots_;
  TimerNode reached_;  // head of what stood in the slots of now_tick_ and is not yet handled
};

}  // namespace ringpost::engine
