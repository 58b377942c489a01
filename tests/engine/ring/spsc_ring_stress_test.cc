// SpscRing and Parker between two real threads. The counts are small enough for TSan on a small
// machine; RINGPOST_STRESS=<factor> in the environment multiplies them for a soak.

#include <cstdint>
#include <cstdlib>
#include <semaphore>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include "engine/base/prng.h"
#include "engine/ring/parker.h"
#include "engine/ring/spsc_ring.h"
#include "tests/engine/ring/stress.h"

namespace ringpost::engine {
namespace {

// Two words, so that a torn or early read shows: the second is a function of the first.
struct Item {
  std::uint64_t sequence;
  std::uint64_t check;
};

Item make_item(std::uint64_t sequence) { return {sequence, ~sequence * 3}; }

using Ring = SpscRing<Item>;

// Pushes `count` items by every way there is, chosen at random. `pushed` is called after each
// publication, and `full` whenever the ring has no room.
template <typename Pushed, typename Full>
void produce(Ring::Producer& producer, std::uint64_t count, Pushed pushed, Full full) {
  Prng prng(1);
  std::uint64_t next = 0;
  std::vector<Item> batch;
  while (next < count) {
    const std::uint64_t want = std::min(count - next, 1 + prng.below(20));
    const std::uint64_t before = next;
    switch (prng.below(4)) {
      case 0:
        next += producer.try_push(make_item(next)) ? 1u : 0u;
        break;
      case 1:
        while (next - before < want && producer.try_stage(make_item(next))) {
          ++next;
        }
        producer.publish();
        break;
      case 2: {
        batch.clear();
        for (std::uint64_t i = 0; i < want; ++i) {
          batch.push_back(make_item(next + i));
        }
        next += producer.try_push_batch(batch);
        break;
      }
      default: {
        const std::span<Item> claimed = producer.claim(want);
        for (Item& slot : claimed) {
          slot = make_item(next++);
        }
        producer.commit(claimed.size());
        break;
      }
    }
    if (next != before) {
      pushed();
    } else {
      full();
    }
  }
}

// Takes what there is by a way chosen at random and checks it. Returns how many.
std::uint64_t consume(Ring::Consumer& consumer, Prng& prng, std::uint64_t next) {
  std::uint64_t taken = 0;
  const auto check = [&](const Item& item) {
    const Item expected = make_item(next + taken);
    ASSERT_EQ(item.sequence, expected.sequence);
    ASSERT_EQ(item.check, expected.check);
    ++taken;
  };
  switch (prng.below(3)) {
    case 0: {
      Item item;
      if (consumer.try_pop(item)) {
        check(item);
      }
      break;
    }
    case 1: {
      Item batch[16];
      const std::size_t count = consumer.try_pop_batch(batch);
      for (std::size_t i = 0; i < count; ++i) {
        check(batch[i]);
      }
      break;
    }
    default: {
      const std::span<Item> run = consumer.peek(1 + prng.below(32));
      for (Item& item : run) {
        check(item);
        item = {0, 0};  // Ours until released: a producer that overtook us would trip on this.
      }
      consumer.release(run.size());
      break;
    }
  }
  return taken;
}

class SpscRingStress : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Capacities, SpscRingStress, testing::Values(1, 2, 8, 1024));

TEST_P(SpscRingStress, EveryItemArrivesOnceAndInOrder) {
  // A tiny ring costs a turn of the scheduler every few items, so it gets fewer.
  const std::uint64_t count = stress_count(GetParam() < 64 ? 20'000 : 300'000);
  Ring ring(GetParam());
  std::thread thread([&ring, count] {
    Ring::Producer producer = ring.producer();
    produce(
        producer, count, [] {}, [] { std::this_thread::yield(); });
  });
  {
    Ring::Consumer consumer = ring.consumer();
    Prng prng(2);
    for (std::uint64_t next = 0; next < count && !testing::Test::HasFatalFailure();) {
      const std::uint64_t taken = consume(consumer, prng, next);
      next += taken;
      if (taken == 0) {
        std::this_thread::yield();
      }
    }
    EXPECT_TRUE(consumer.empty());
  }
  thread.join();
}

// The whole handshake: the consumer sleeps in the kernel whenever its recheck finds nothing, the
// producer posts only when it claimed the wake. A lost wake hangs the test. The semaphore stands
// for the io_uring; it carries no data that the ring's own orders do not.
TEST_P(SpscRingStress, NoWakeIsLostAndNoneIsDouble) {
  const std::uint64_t count = stress_count(20'000);
  Ring ring(GetParam());
  Parker consumer_parker;
  std::counting_semaphore<> consumer_wakes(0);
  Parker producer_parker;  // The way back, for the producer that waits for room.
  std::counting_semaphore<> producer_wakes(0);
  std::uint64_t wakes = 0;

  std::thread thread([&] {
    Ring::Producer producer = ring.producer();
    produce(
        producer, count,
        [&] {
          if (consumer_parker.claim_wake()) {
            ++wakes;
            consumer_wakes.release();
          }
        },
        [&] {
          producer_parker.announce_sleep();
          if (producer.claim(1).empty()) {
            producer_wakes.acquire();
          }
          producer_parker.awake();
        });
  });
  std::uint64_t sleeps = 0;
  {
    Ring::Consumer consumer = ring.consumer();
    Prng prng(3);
    for (std::uint64_t next = 0; next < count && !testing::Test::HasFatalFailure();) {
      const std::uint64_t taken = consume(consumer, prng, next);
      next += taken;
      if (taken != 0) {
        if (producer_parker.claim_wake()) {
          producer_wakes.release();
        }
        continue;
      }
      consumer_parker.announce_sleep();
      if (consumer.empty()) {
        consumer_wakes.acquire();
        ++sleeps;
      }
      consumer_parker.awake();
    }
  }
  thread.join();
  // A claim that the recheck overtook leaves a permit behind, which ends one later wait at once, so
  // wakes and sleeps need not be equal; but no sleep ends without a wake.
  EXPECT_LE(sleeps, wakes);
}

}  // namespace
}  // namespace ringpost::engine
