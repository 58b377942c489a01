// MpscRing: joining and leaving, order per producer, and what a stopped producer does to the
// others.

#include "engine/ring/mpsc_ring.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <latch>
#include <optional>
#include <semaphore>
#include <span>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include "engine/base/prng.h"
#include "engine/ring/parker.h"
#include "tests/engine/ring/stress.h"

namespace ringpost::engine {
namespace {

struct Item {
  std::uint64_t producer;
  std::uint64_t sequence;
};

using Ring = MpscRing<Item>;

TEST(MpscRing, NewRingIsEmpty) {
  Ring ring({.lanes = 3, .lane_capacity = 4});
  Ring::Consumer consumer = ring.consumer();
  Item item;
  EXPECT_TRUE(consumer.empty());
  EXPECT_FALSE(consumer.try_pop(item));
  EXPECT_EQ(ring.lanes(), 3u);
}

TEST(MpscRing, ThereAreAsManyProducersAsLanes) {
  Ring ring({.lanes = 2, .lane_capacity = 4});
  std::optional<Ring::Producer> first = ring.join();
  std::optional<Ring::Producer> second = ring.join();
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(second.has_value());
  EXPECT_FALSE(ring.join().has_value());
  first.reset();
  EXPECT_TRUE(ring.join().has_value());
}

TEST(MpscRing, WhoTakesOverALaneGoesOnBehindWhatIsInIt) {
  Ring ring({.lanes = 1, .lane_capacity = 4});
  Ring::Consumer consumer = ring.consumer();
  for (std::uint64_t i = 0; i < 4; ++i) {
    std::optional<Ring::Producer> producer = ring.join();
    ASSERT_TRUE(producer.has_value());
    ASSERT_TRUE(producer->try_push({i, i}));
  }
  EXPECT_FALSE(ring.join()->try_push({9, 9}));
  Item item;
  for (std::uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(consumer.try_pop(item));
    EXPECT_EQ(item.sequence, i);
  }
  EXPECT_TRUE(consumer.empty());
}

TEST(MpscRing, MovedProducerKeepsItsLane) {
  Ring ring({.lanes = 1, .lane_capacity = 4});
  Ring::Consumer consumer = ring.consumer();
  std::optional<Ring::Producer> producer = ring.join();
  ASSERT_TRUE(producer->try_push({0, 0}));
  {
    Ring::Producer moved = std::move(*producer);
    producer.reset();
    EXPECT_FALSE(ring.join().has_value());
    ASSERT_TRUE(moved.try_push({0, 1}));
  }
  EXPECT_TRUE(ring.join().has_value());
  std::array<Item, 4> items;
  EXPECT_EQ(consumer.try_pop_batch(items), 2u);
}

TEST(MpscRing, MovedConsumerKeepsTheRunInHand) {
  Ring ring({.lanes = 1, .lane_capacity = 64});
  std::optional<Ring::Producer> producer = ring.join();
  for (std::uint64_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(producer->try_push({0, i}));
  }
  Item item;
  {
    Ring::Consumer first = ring.consumer();
    ASSERT_TRUE(first.try_pop(item));
    Ring::Consumer second = std::move(first);
    ASSERT_TRUE(second.try_pop(item));
    EXPECT_EQ(item.sequence, 1u);
    EXPECT_FALSE(second.empty());
  }
  Ring::Consumer third = ring.consumer();
  ASSERT_TRUE(third.try_pop(item));
  EXPECT_EQ(item.sequence, 2u);
}

// A lane with a long backlog does not keep the others waiting.
TEST(MpscRing, ConsumerTakesAtMostSixtyFourFromALaneInTurn) {
  Ring ring({.lanes = 3, .lane_capacity = 1024});
  Ring::Consumer consumer = ring.consumer();
  std::optional<Ring::Producer> busy = ring.join();
  std::optional<Ring::Producer> quiet = ring.join();
  for (std::uint64_t i = 0; i < 1024; ++i) {
    ASSERT_TRUE(busy->try_push({0, i}));
  }
  ASSERT_TRUE(quiet->try_push({1, 0}));
  Item item{};
  int taken = 0;
  while (item.producer != 1) {
    ASSERT_TRUE(consumer.try_pop(item));
    ++taken;
  }
  EXPECT_LE(taken, 65);
}

TEST(MpscRing, BatchGathersFromAllLanes) {
  Ring ring({.lanes = 3, .lane_capacity = 8});
  Ring::Consumer consumer = ring.consumer();
  std::vector<Ring::Producer> producers;
  for (std::uint64_t p = 0; p < 3; ++p) {
    producers.push_back(*ring.join());
    for (std::uint64_t i = 0; i < 5; ++i) {
      ASSERT_TRUE(producers.back().try_push({p, i}));
    }
  }
  std::array<Item, 20> items;
  ASSERT_EQ(consumer.try_pop_batch(items), 15u);
  std::array<std::uint64_t, 3> next{};
  for (const Item& item : std::span(items).first(15)) {
    EXPECT_EQ(item.sequence, next[item.producer]++);
  }
  EXPECT_TRUE(consumer.empty());
}

// One producer stops between claim and publish, for as long as it takes the others to do all of the
// following: push until their lane is full, and then a thousand laps more while the consumer
// drains. Then it goes on, and nothing is lost or out of order.
TEST(MpscRing, StoppedProducerHoldsUpNobody) {
  constexpr std::uint64_t capacity = 16;
  constexpr std::uint64_t laps = 1000;
  Ring ring({.lanes = 3, .lane_capacity = capacity});
  Ring::Consumer consumer = ring.consumer();
  std::latch claimed(1);
  std::latch resume(1);
  std::thread stopped([&] {
    std::optional<Ring::Producer> producer = ring.join();
    ASSERT_TRUE(producer.has_value());
    ASSERT_TRUE(producer->try_push({0, 0}));
    const std::span<Item> slots = producer->claim(4);
    ASSERT_EQ(slots.size(), 4u);
    slots[0] = {0, 1};
    claimed.count_down();
    resume.wait();  // Here the scheduler takes the CPU away.
    slots[1] = {0, 2};
    slots[2] = {0, 3};
    producer->commit(3);
    ASSERT_TRUE(producer->try_push({0, 4}));
  });
  claimed.wait();

  std::array<std::uint64_t, 3> next{};
  const auto take_one = [&] {
    Item item;
    ASSERT_TRUE(consumer.try_pop(item));
    ASSERT_EQ(item.sequence, next[item.producer]++);
  };
  std::optional<Ring::Producer> first = ring.join();
  std::optional<Ring::Producer> second = ring.join();
  std::uint64_t pushed_first = 0;
  std::uint64_t pushed_second = 0;
  while (first->try_push({1, pushed_first})) {
    ++pushed_first;
  }
  while (second->try_push({2, pushed_second})) {
    ++pushed_second;
  }
  EXPECT_EQ(pushed_first, capacity);
  EXPECT_EQ(pushed_second, capacity);
  for (std::uint64_t lap = 0; lap < laps; ++lap) {
    for (std::uint64_t i = 0; i < capacity && !HasFatalFailure(); ++i) {
      take_one();
    }
    while (first->try_push({1, pushed_first})) {
      ++pushed_first;
    }
    while (second->try_push({2, pushed_second})) {
      ++pushed_second;
    }
  }
  EXPECT_GE(pushed_first + pushed_second, laps * capacity);
  EXPECT_EQ(next[0], 1u);  // What was published before arrived, what was only claimed did not.

  resume.count_down();
  stopped.join();
  while (!consumer.empty() && !HasFatalFailure()) {
    take_one();
  }
  EXPECT_EQ(next[0], 5u);
  EXPECT_EQ(next[1], pushed_first);
  EXPECT_EQ(next[2], pushed_second);
}

// Producers come and go on more threads than there are lanes, and the consumer sleeps when there is
// nothing: every item arrives once, in the order of its stay in a lane, and no wake is lost.
TEST(MpscRingStress, ProducersComeAndGo) {
  constexpr std::uint64_t threads_count = 4;
  constexpr std::uint64_t stay_items = 100;
  const std::uint64_t stays = stress_count(50);  // Per thread.
  Ring ring({.lanes = 3, .lane_capacity = 32});
  Parker parker;
  std::counting_semaphore<> wakes(0);

  const auto stay = [&](Ring::Producer producer, std::uint64_t id, Prng& prng) {
    for (std::uint64_t next = 0; next < stay_items;) {
      std::array<Item, 8> batch;
      const std::size_t want = std::min(1 + prng.below(8), stay_items - next);
      for (std::size_t i = 0; i < want; ++i) {
        batch[i] = {id, next + i};
      }
      const std::size_t pushed = producer.try_push_batch(std::span(batch).first(want));
      next += pushed;
      if (pushed == 0) {
        std::this_thread::yield();
      } else if (parker.claim_wake()) {
        wakes.release();
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < threads_count; ++thread) {
    threads.emplace_back([&, thread] {
      Prng prng(thread);
      for (std::uint64_t i = 0; i < stays;) {
        if (std::optional<Ring::Producer> producer = ring.join()) {
          stay(std::move(*producer), thread * stays + i, prng);
          ++i;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }

  Ring::Consumer consumer = ring.consumer();
  std::vector<std::uint64_t> next(threads_count * stays, 0);
  std::uint64_t out_of_order = 0;
  std::array<Item, 16> items;
  for (std::uint64_t left = threads_count * stays * stay_items; left != 0;) {
    const std::size_t popped = consumer.try_pop_batch(items);
    for (const Item& item : std::span(items).first(popped)) {
      out_of_order += item.sequence != next[item.producer]++ ? 1u : 0u;
    }
    left -= popped;
    if (popped == 0) {
      parker.announce_sleep();
      if (consumer.empty()) {
        wakes.acquire();
      }
      parker.awake();
    }
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(out_of_order, 0u);
  EXPECT_TRUE(consumer.empty());
}

}  // namespace
}  // namespace ringpost::engine
