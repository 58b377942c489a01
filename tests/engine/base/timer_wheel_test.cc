#include "engine/base/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/prng.h"

namespace ringpost::engine {
namespace {

constexpr Nanos ms = nanos_per_ms;

std::vector<TimerNode*> fired_at(TimerWheel& wheel, Nanos now) {
  std::vector<TimerNode*> fired;
  wheel.advance(now, SIZE_MAX, [&](TimerNode& node) { fired.push_back(&node); });
  return fired;
}

TEST(TimerWheel, FiresAtItsDeadlineAndNotBefore) {
  TimerWheel wheel(0);
  TimerNode node;
  wheel.schedule(node, 5 * ms);
  EXPECT_TRUE(node.scheduled());
  EXPECT_TRUE(fired_at(wheel, 5 * ms - 1).empty());
  EXPECT_EQ(fired_at(wheel, 5 * ms).size(), 1u);
  EXPECT_FALSE(node.scheduled());
  EXPECT_EQ(wheel.count(), 0u);
}

TEST(TimerWheel, RoundsADeadlineUpToTheNextMillisecond) {
  TimerWheel wheel(7);  // The clock need not start on a tick.
  TimerNode node;
  wheel.schedule(node, 7 + 2 * ms + 1);
  EXPECT_TRUE(fired_at(wheel, 7 + 3 * ms - 1).empty());
  EXPECT_EQ(fired_at(wheel, 7 + 3 * ms).size(), 1u);
}

TEST(TimerWheel, FiresAPastDeadlineAtTheNextTick) {
  TimerWheel wheel(0);
  TimerNode node;
  EXPECT_TRUE(fired_at(wheel, 100 * ms).empty());
  wheel.schedule(node, 3 * ms);
  EXPECT_TRUE(fired_at(wheel, 100 * ms).empty());
  EXPECT_EQ(fired_at(wheel, 101 * ms).size(), 1u);
}

TEST(TimerWheel, HandlesNoMoreAtOnceThanItsBound) {
  TimerWheel wheel(0);
  std::vector<TimerNode> nodes(10);
  for (TimerNode& node : nodes) wheel.schedule(node, 5 * ms);
  TimerNode later;
  wheel.schedule(later, 6 * ms);
  std::vector<TimerNode*> fired;
  const auto fire = [&](TimerNode& node) { fired.push_back(&node); };

  EXPECT_FALSE(wheel.advance(100 * ms, 4, fire));
  EXPECT_EQ(fired.size(), 4u);
  EXPECT_EQ(wheel.count(), 7u);
  EXPECT_LE(wheel.next_deadline(), 100 * ms);
  wheel.cancel(nodes[4]);  // due, and waiting for its turn
  wheel.schedule(nodes[5], 200 * ms);
  wheel.schedule(nodes[0], 3 * ms);

  EXPECT_FALSE(wheel.advance(100 * ms, 4, fire));
  EXPECT_TRUE(wheel.advance(100 * ms, 4, fire));
  EXPECT_EQ(fired.size(), 4u + 4u + 2u);
  EXPECT_FALSE(nodes[0].scheduled());
  EXPECT_FALSE(later.scheduled());
  EXPECT_EQ(wheel.count(), 1u);
  EXPECT_EQ(fired_at(wheel, 200 * ms), std::vector<TimerNode*>{&nodes[5]});
}

// A slot of many minutes comes down at once: it is as much work as firing it.
TEST(TimerWheel, WhatOnlyMovesDownCounts) {
  TimerWheel wheel(0);
  std::vector<TimerNode> nodes(10);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    wheel.schedule(nodes[i], (64 * 64 + 1 + static_cast<Nanos>(i)) * ms);
  }
  const auto fire = [](TimerNode&) { FAIL() << "early"; };
  EXPECT_FALSE(wheel.advance(64 * 64 * ms, 4, fire));
  EXPECT_FALSE(wheel.advance(64 * 64 * ms, 4, fire));
  EXPECT_TRUE(wheel.advance(64 * 64 * ms, 4, fire));
  EXPECT_EQ(fired_at(wheel, 64 * 65 * ms).size(), nodes.size());
}

TEST(TimerWheel, ForgetsWhatWasCancelled) {
  TimerWheel wheel(0);
  TimerNode first;
  TimerNode second;
  wheel.schedule(first, 10 * ms);
  wheel.schedule(second, 10 * ms);
  wheel.cancel(first);
  wheel.cancel(first);
  EXPECT_EQ(fired_at(wheel, nanos_per_s), std::vector<TimerNode*>{&second});
}

TEST(TimerWheel, MovesANodeThatIsScheduledAnew) {
  TimerWheel wheel(0);
  TimerNode node;
  wheel.schedule(node, 10 * ms);
  wheel.schedule(node, 5000 * ms);
  EXPECT_EQ(wheel.count(), 1u);
  EXPECT_TRUE(fired_at(wheel, 4999 * ms).empty());
  EXPECT_EQ(fired_at(wheel, 5000 * ms).size(), 1u);
}

TEST(TimerWheel, LetsAFiringNodeScheduleItselfAndCancelItsNeighbours) {
  TimerWheel wheel(0);
  TimerNode first;
  TimerNode second;
  wheel.schedule(first, 10 * ms);
  wheel.schedule(second, 10 * ms);
  int fires = 0;
  wheel.advance(10 * ms, SIZE_MAX, [&](TimerNode& node) {
    ++fires;
    EXPECT_EQ(&node, &first);
    wheel.cancel(second);
    wheel.schedule(first, 20 * ms);
  });
  EXPECT_EQ(fires, 1);
  EXPECT_EQ(wheel.count(), 1u);
  EXPECT_EQ(fired_at(wheel, 20 * ms).size(), 1u);
}

TEST(TimerWheel, ANodeThatSchedulesItselfInThePastDoesNotHoldTheTurn) {
  TimerWheel wheel(0);
  TimerNode node;
  wheel.schedule(node, ms);
  int fires = 0;
  wheel.advance(3 * ms, SIZE_MAX, [&](TimerNode& fired) {
    ++fires;
    wheel.schedule(fired, 0);
  });
  EXPECT_EQ(fires, 3);  // once per tick
}

TEST(TimerWheel, HasNoDeadlineWhenEmpty) {
  TimerWheel wheel(0);
  EXPECT_EQ(wheel.next_deadline(), never);
  TimerNode node;
  wheel.schedule(node, 10 * ms);
  EXPECT_EQ(wheel.next_deadline(), 10 * ms);
  wheel.cancel(node);
  EXPECT_EQ(wheel.next_deadline(), never);
}

TEST(TimerWheel, KeepsDeadlinesPastItsHorizonWithoutFiringThem) {
  TimerWheel wheel(0);
  TimerNode node;
  wheel.schedule(node, never);
  // Each step looks at the parked node again, and never later than it must.
  for (int step = 0; step < 3; ++step) {
    const Nanos next = wheel.next_deadline();
    EXPECT_LT(next, never);
    if (next > std::int64_t{2'000'000'000} * nanos_per_s) break;  // 63 years will do
    EXPECT_TRUE(fired_at(wheel, next).empty());
  }
  EXPECT_TRUE(node.scheduled());
  wheel.cancel(node);
}

// The model: every scheduled node by its tick, in a multimap.
class Model {
 public:
  explicit Model(Nanos start) : start_(start) {}

  void schedule(std::size_t node, Nanos deadline) {
    cancel(node);
    const Nanos ticks = deadline <= start_ ? 0 : (deadline - start_ - 1) / ms + 1;
    by_tick_.emplace(ticks > now_tick_ ? ticks : now_tick_ + 1, node);
  }
  void cancel(std::size_t node) {
    for (auto at = by_tick_.begin(); at != by_tick_.end(); ++at) {
      if (at->second != node) continue;
      by_tick_.erase(at);
      return;
    }
  }
  // The nodes that are due, by tick; nodes of one tick in any order.
  std::multimap<Nanos, std::size_t> advance(Nanos now) {
    now_tick_ = std::max(now_tick_, now <= start_ ? 0 : (now - start_) / ms);
    std::multimap<Nanos, std::size_t> due;
    while (!by_tick_.empty() && by_tick_.begin()->first <= now_tick_) {
      due.insert(by_tick_.extract(by_tick_.begin()));
    }
    return due;
  }
  std::size_t count() const { return by_tick_.size(); }
  // When the earliest node fires; past the end of time counts as its end.
  Nanos earliest() const {
    if (by_tick_.empty()) return never;
    const Nanos tick = by_tick_.begin()->first;
    return tick > (never - start_) / ms ? never : start_ + tick * ms;
  }

 private:
  Nanos start_;
  Nanos now_tick_ = 0;
  std::multimap<Nanos, std::size_t> by_tick_;
};

// Spans as they come in practice and at the wheel's edges: level boundaries are at powers of 64 ms.
Nanos draw_span(Prng& prng) {
  switch (prng.below(8)) {
    case 0:
      return 0;
    case 1:
      return static_cast<Nanos>(prng.below(2 * nanos_per_ms));
    case 2:
      return static_cast<Nanos>(prng.below(64)) * ms;
    case 3:
      return static_cast<Nanos>(prng.below(64 * 64)) * ms;
    case 4:
      return static_cast<Nanos>(prng.below(nanos_per_s * 600));
    default: {  // around a power of 64, up to 34 years
      const int level = static_cast<int>(prng.below(7));
      const Nanos edge = Nanos{1} << (6 * std::min(level, 6));
      const Nanos factor = level == 6 ? 15 : 1 + static_cast<Nanos>(prng.below(3));
      return (edge * factor + static_cast<Nanos>(prng.below(5)) - 2) * ms +
             static_cast<Nanos>(prng.below(3)) - 1;
    }
  }
}

void run_against_model(std::uint64_t seed) {
  SCOPED_TRACE(seed);
  Prng prng(seed);
  const Nanos start = static_cast<Nanos>(prng.below(nanos_per_s));
  TimerWheel wheel(start);
  Model model(start);
  std::vector<TimerNode> nodes(1 + prng.below(40));
  std::vector<Nanos> deadlines(nodes.size(), 0);
  Nanos now = start;
  // 20 years in all, so that the far levels are crossed and the horizon is not.
  const Nanos end = start + std::int64_t{20} * 365 * 86400 * nanos_per_s;

  for (int step = 0; step < 400 && now < end; ++step) {
    const std::size_t node = prng.below(nodes.size());
    switch (prng.below(4)) {
      case 0:
      case 1: {
        Nanos deadline = now + draw_span(prng);
        if (prng.one_in(16)) deadline = never;
        if (prng.one_in(16)) deadline = now - static_cast<Nanos>(prng.below(nanos_per_s));
        deadlines[node] = deadline;
        wheel.schedule(nodes[node], deadline);
        model.schedule(node, deadline);
        break;
      }
      case 2:
        wheel.cancel(nodes[node]);
        model.cancel(node);
        break;
      default: {
        // Half of the time to the wheel's own next deadline, as a shard does.
        const Nanos next = wheel.next_deadline();
        now = prng.one_in(2) && next < end ? std::max(now, next) : now + draw_span(prng);
        auto due = model.advance(now);
        Nanos last_tick = 0;
        const std::size_t nodes_max = prng.one_in(2) ? SIZE_MAX : 1 + prng.below(3);
        const auto fire = [&](TimerNode& fired) {
          const auto index = static_cast<std::size_t>(&fired - nodes.data());
          EXPECT_LE(deadlines[index], now) << "fired early";
          auto at = due.begin();
          while (at != due.end() && at->second != index) ++at;
          ASSERT_TRUE(at != due.end()) << "fired, but not due";
          EXPECT_GE(at->first, last_tick) << "fired out of order";
          last_tick = at->first;
          due.erase(at);
        };
        while (!wheel.advance(now, nodes_max, fire)) {
          ASSERT_LE(wheel.next_deadline(), now) << "a shard would sleep over what is due";
        }
        EXPECT_TRUE(due.empty()) << due.size() << " did not fire";
        break;
      }
    }
    ASSERT_EQ(wheel.count(), model.count());
    ASSERT_LE(wheel.next_deadline(), model.earliest()) << "a shard would oversleep";
    if (model.count() != 0) {
      ASSERT_GT(wheel.next_deadline(), now - ms) << "no progress";
    }
  }
}

TEST(TimerWheel, FiresWhatTheModelFires) {
  for (std::uint64_t seed = 1; seed <= 3000 && !::testing::Test::HasFailure(); ++seed) {
    run_against_model(seed);
  }
}

}  // namespace
}  // namespace ringpost::engine
