// The proof of the memory orders of engine/ring, by Relacy: the rings and the handshake hold with
// their orders, and with any one of them weakened Relacy finds the bug. So none is too weak, and
// none is stronger than it has to be.

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <span>

#include "engine/ring/mpsc_ring.h"
#include "engine/ring/parker.h"
#include "engine/ring/spsc_ring.h"
#include "tests/engine/ring/relacy_atomics.h"

// Relacy replaces operator new and delete but not the sized delete, which libstdc++ would send to
// its own.
void operator delete(void* memory, std::size_t) noexcept { ::operator delete(memory); }

namespace ringpost::engine {

// An invariant that breaks in a weakened ring is a find of Relacy's, not the end of the process.
// This executable does not link the engine's own definition.
void assertion_failed(const char* expression, const char*, int, const char*) {
  rl::ctx().fail_test(expression, rl::test_result_user_assert_failed, RL_INFO);
  std::abort();
}

namespace {

using Ring = SpscRing<std::uint64_t, RelacyAtomics>;
using Lanes = MpscRing<std::uint64_t, RelacyAtomics>;
using TestParker = BasicParker<RelacyAtomics>;

constexpr rl::test_result_e success = rl::test_result_success;

// One producer that makes a few attempts, one consumer that makes a few, by the calls that
// `batched` says. What was popped is a prefix of what was pushed, and the rest is still there.
template <std::size_t capacity, std::uint64_t attempts, bool batched>
struct Transfer : rl::test_suite<Transfer<capacity, attempts, batched>, 2> {
  std::optional<Ring> ring;
  std::uint64_t pushed = 0;
  std::uint64_t popped = 0;

  void before() { ring.emplace(capacity); }

  void produce() {
    Ring::Producer producer = ring->producer();
    for (std::uint64_t i = 0; i < attempts; ++i) {
      if constexpr (batched) {
        const std::span<Ring::Slot> slots = producer.claim(2);
        for (Ring::Slot& slot : slots) {
          slot = pushed++;
        }
        producer.commit(slots.size());
      } else {
        pushed += producer.try_push(pushed) ? 1u : 0u;
      }
    }
  }

  void take(Ring::Consumer& consumer) {
    if constexpr (batched) {
      const std::span<Ring::Slot> items = consumer.peek();
      for (const Ring::Slot& item : items) {
        RL_ASSERT(item == popped);
        ++popped;
      }
      consumer.release(items.size());
    } else {
      std::uint64_t item = 0;
      if (consumer.try_pop(item)) {
        RL_ASSERT(item == popped);
        ++popped;
      }
    }
  }

  void thread(unsigned index) {
    if (index == 0) {
      produce();
    } else {
      Ring::Consumer consumer = ring->consumer();
      for (std::uint64_t i = 0; i < attempts; ++i) {
        take(consumer);
      }
    }
  }

  void after() {
    {
      Ring::Consumer consumer = ring->consumer();
      RL_ASSERT(popped + consumer.size_guess() == pushed);
      while (!consumer.empty()) {
        take(consumer);
      }
    }
    RL_ASSERT(popped == pushed);
    ring.reset();
  }
};

TEST(SpscRingRelacy, HoldsInEveryExecution) {
  EXPECT_EQ((simulate<Transfer<1, 3, false>>({})), success);
  EXPECT_EQ((simulate<Transfer<2, 4, false>>({})), success);
  EXPECT_EQ((simulate<Transfer<1, 3, true>>({})), success);
  EXPECT_EQ((simulate<Transfer<2, 3, true>>({})), success);
}

TEST(SpscRingRelacy, HoldsInManyLongExecutions) {
  EXPECT_EQ((simulate<Transfer<2, 12, false>>({}, 20'000)), success);
  EXPECT_EQ((simulate<Transfer<4, 12, true>>({}, 20'000)), success);
}

TEST(SpscRingRelacy, EveryOrderIsNeeded) {
  for (const SpscSite site : {SpscSite::publish_tail, SpscSite::refresh_tail,
                              SpscSite::publish_head, SpscSite::refresh_head}) {
    SCOPED_TRACE(static_cast<int>(site));
    EXPECT_NE((simulate<Transfer<1, 3, false>>(weaken(site))), success);
    EXPECT_NE((simulate<Transfer<1, 3, true>>(weaken(site))), success);
  }
}

// The whole handshake: producers push into a ring of their own each and claim the wake; the owner
// takes, announces, looks again and sleeps. The semaphore is the kernel wait. A lost wake is a
// deadlock to Relacy, a second claim for one sleep a failed assertion.
template <unsigned producers, std::uint64_t items, std::size_t capacity>
struct Sleep : rl::test_suite<Sleep<producers, items, capacity>,
                              static_cast<rl::thread_id_t>(producers + 1)> {
  std::optional<Ring> rings[producers];
  std::optional<TestParker> parker;
  rl::rl_sem_t wakes;
  // Counted without atomics of the simulation, so that they order nothing. Fibers do not run at the
  // same time.
  unsigned announced = 0;
  unsigned claimed = 0;

  void before() {
    for (std::optional<Ring>& ring : rings) {
      ring.emplace(capacity);
    }
    parker.emplace();
    rl::rl_sem_init(&wakes, 0, 0, RL_INFO);
  }

  void produce(Ring& ring) {
    Ring::Producer producer = ring.producer();
    for (std::uint64_t i = 0; i < items; ++i) {
      RL_ASSERT(producer.try_push(i));
      if (parker->claim_wake()) {
        ++claimed;
        RL_ASSERT(claimed <= announced);
        rl::rl_sem_post(&wakes, RL_INFO);
      }
    }
  }

  void own() {
    std::optional<Ring::Consumer> consumers[producers];
    std::uint64_t next[producers] = {};
    for (unsigned i = 0; i < producers; ++i) {
      consumers[i].emplace(rings[i]->consumer());
    }
    for (std::uint64_t left = items * producers; left != 0;) {
      for (unsigned i = 0; i < producers; ++i) {
        std::uint64_t item = 0;
        while (consumers[i]->try_pop(item)) {
          RL_ASSERT(item == next[i]);
          ++next[i];
          --left;
        }
      }
      if (left == 0) {
        return;
      }
      ++announced;
      parker->announce_sleep();
      bool idle = true;
      for (unsigned i = 0; i < producers; ++i) {
        idle = idle && consumers[i]->empty();
      }
      if (idle) {
        rl::rl_sem_wait(&wakes, RL_INFO);
      }
      parker->awake();
    }
  }

  void thread(unsigned index) {
    if (index == producers) {
      own();
    } else {
      produce(*rings[index]);
    }
  }

  void after() {
    rl::rl_sem_destroy(&wakes, RL_INFO);
    parker.reset();
    for (std::optional<Ring>& ring : rings) {
      ring.reset();
    }
  }
};

TEST(ParkerRelacy, NoWakeIsLostInAnyExecution) {
  EXPECT_EQ((simulate<Sleep<1, 1, 1>>({})), success);
}

TEST(ParkerRelacy, NoWakeIsLostInManyExecutionsOfTwoWakers) {
  EXPECT_EQ((simulate<Sleep<1, 2, 2>>({}, 30'000)), success);
  EXPECT_EQ((simulate<Sleep<2, 2, 2>>({}, 30'000)), success);
  EXPECT_EQ((simulate<Sleep<1, 6, 8>>({}, 30'000)), success);
}

TEST(ParkerRelacy, EveryOrderIsNeeded) {
  for (const ParkerSite site : {ParkerSite::announce, ParkerSite::claim}) {
    SCOPED_TRACE(static_cast<int>(site));
    EXPECT_NE((simulate<Sleep<1, 2, 2>>(weaken(site), 100'000)), success);
  }
}

// Each of the three is one read-modify-write step for a reason.
TEST(ParkerRelacy, EveryStepHasToBeOne) {
  for (const ParkerSite site : {ParkerSite::announce, ParkerSite::claim, ParkerSite::awake}) {
    SCOPED_TRACE(static_cast<int>(site));
    EXPECT_NE((simulate<Sleep<2, 2, 2>>(split_exchange(site), 100'000)), success);
  }
}

// Two threads share one lane one after the other, while the consumer takes.
struct Relay : rl::test_suite<Relay, 3> {
  std::optional<Lanes> ring;
  std::uint64_t pushed = 0;  // Counted outside the simulation; the fibers do not run at once.
  std::uint64_t popped = 0;

  void before() { ring.emplace(MpscRingOptions{.lanes = 1, .lane_capacity = 2}); }

  void take(Lanes::Consumer& consumer) {
    std::uint64_t item = 0;
    if (consumer.try_pop(item)) {
      RL_ASSERT(item == popped);
      ++popped;
    }
  }

  void thread(unsigned index) {
    if (index == 2) {
      Lanes::Consumer consumer = ring->consumer();
      take(consumer);
      return;
    }
    if (std::optional<Lanes::Producer> producer = ring->join()) {
      const std::uint64_t item = pushed;
      if (producer->try_push(item)) {
        RL_ASSERT(pushed == item);  // Nobody else was in the lane.
        ++pushed;
      }
    }
  }

  void after() {
    {
      Lanes::Consumer consumer = ring->consumer();
      while (!consumer.empty()) {
        take(consumer);
      }
    }
    RL_ASSERT(popped == pushed);
    ring.reset();
  }
};

TEST(MpscRingRelacy, HoldsInEveryExecution) { EXPECT_EQ(simulate<Relay>({}), success); }

TEST(MpscRingRelacy, EveryOrderIsNeeded) {
  for (const MpscSite site : {MpscSite::join, MpscSite::leave}) {
    SCOPED_TRACE(static_cast<int>(site));
    EXPECT_NE(simulate<Relay>(weaken(site)), success);
  }
  for (const SpscSite site : {SpscSite::publish_tail, SpscSite::refresh_tail}) {
    SCOPED_TRACE(static_cast<int>(site));
    EXPECT_NE(simulate<Relay>(weaken(site)), success);
  }
}

TEST(MpscRingRelacy, JoinHasToBeOneStep) {
  EXPECT_NE(simulate<Relay>(split_exchange(MpscSite::join)), success);
}

}  // namespace
}  // namespace ringpost::engine
