#include "engine/base/exact_timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "engine/base/prng.h"

namespace ringpost::engine {
namespace {

struct Alarm final : TimerTarget {
  explicit Alarm(std::vector<int>& log, int number) : fired(log), name(number) {
    node.target = this;
  }
  void on_time() override {
    fired.push_back(name);
    if (then) then();
  }
  std::vector<int>& fired;
  int name;
  ExactTimerNode node;
  std::function<void()> then;
};

TEST(ExactTimers, TheEarliestFiresFirstAndNoneBeforeItsTime) {
  std::vector<int> fired;
  Alarm a(fired, 1), b(fired, 2), c(fired, 3);
  ExactTimers timers;
  EXPECT_EQ(timers.next_deadline(), never);
  timers.schedule(a.node, 300);
  timers.schedule(b.node, 100);
  timers.schedule(c.node, 200);
  EXPECT_EQ(timers.next_deadline(), 100);
  timers.advance(99);
  EXPECT_TRUE(fired.empty());
  timers.advance(200);
  EXPECT_EQ(fired, (std::vector<int>{2, 3}));
  EXPECT_EQ(timers.next_deadline(), 300);
  timers.cancel(a.node);
  timers.cancel(a.node);
  EXPECT_EQ(timers.next_deadline(), never);
}

TEST(ExactTimers, WhoIsAlwaysDueFiresOncePerAdvance) {
  std::vector<int> fired;
  Alarm a(fired, 1);
  ExactTimers timers;
  a.then = [&] { timers.schedule(a.node, 50); };
  timers.schedule(a.node, 50);
  timers.advance(1000);
  EXPECT_EQ(fired.size(), 1u);
  timers.advance(1000);
  EXPECT_EQ(fired.size(), 2u);
}

TEST(ExactTimers, AnyScheduleFiresAsASortedListWould) {
  Prng prng(5);
  std::vector<int> fired;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 40; ++i) alarms.push_back(std::make_unique<Alarm>(fired, i));
  ExactTimers timers;
  Nanos now = 0;
  for (int step = 0; step < 5000; ++step) {
    Alarm& alarm = *alarms[prng.below(alarms.size())];
    if (prng.one_in(4)) {
      timers.cancel(alarm.node);
    } else {
      timers.schedule(alarm.node, now + 1 + static_cast<Nanos>(prng.below(100)));
    }
    now += static_cast<Nanos>(prng.below(20));
    std::vector<std::pair<Nanos, int>> expected;
    std::size_t later = 0;
    for (const auto& each : alarms) {
      if (!each->node.scheduled()) continue;
      if (each->node.deadline <= now) {
        expected.emplace_back(each->node.deadline, each->name);
      } else {
        ++later;
      }
    }
    fired.clear();
    std::vector<Nanos> deadlines;
    for (const auto& each : alarms) {
      each->then = [&deadlines, node = &each->node] { deadlines.push_back(node->deadline); };
    }
    timers.advance(now);
    EXPECT_TRUE(std::is_sorted(deadlines.begin(), deadlines.end()));
    std::vector<int> names;
    for (const auto& [deadline, name] : expected) names.push_back(name);
    std::sort(names.begin(), names.end());
    std::sort(fired.begin(), fired.end());
    ASSERT_EQ(fired, names);
    ASSERT_EQ(timers.count(), later);
  }
}

}  // namespace
}  // namespace ringpost::engine
