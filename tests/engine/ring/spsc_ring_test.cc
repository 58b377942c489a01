// What one thread can see of SpscRing: bounds, order, wrap, staging, claim and commit, handles.

#include "engine/ring/spsc_ring.h"

#include <array>
#include <cstdint>
#include <numeric>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace ringpost::engine {
namespace {

using Ring = SpscRing<std::uint64_t>;

static_assert(!std::is_copy_constructible_v<Ring::Producer>);
static_assert(!std::is_copy_constructible_v<Ring::Consumer>);
static_assert(std::is_nothrow_move_constructible_v<Ring::Producer>);
static_assert(std::is_nothrow_move_constructible_v<Ring::Consumer>);
static_assert(!std::is_move_constructible_v<Ring>);

// Every test runs at the capacities that simulation and production use.
class SpscRingTest : public testing::TestWithParam<std::size_t> {
 protected:
  std::size_t capacity() const { return GetParam(); }

  std::uint64_t pop() {
    std::uint64_t item = UINT64_MAX;
    EXPECT_TRUE(consumer.try_pop(item));
    return item;
  }

  void push(std::uint64_t item) { ASSERT_TRUE(producer.try_push(item)); }

  // Moves both indices on, so that what follows wraps in the middle.
  void advance(std::size_t steps) {
    for (std::size_t i = 0; i < steps; ++i) {
      push(i);
      EXPECT_EQ(pop(), i);
    }
  }

  Ring ring{GetParam()};
  Ring::Producer producer = ring.producer();
  Ring::Consumer consumer = ring.consumer();
};

INSTANTIATE_TEST_SUITE_P(Capacities, SpscRingTest, testing::Values(1, 2, 4, 64, 1024));

TEST_P(SpscRingTest, NewRingIsEmpty) {
  std::uint64_t item = 7;
  EXPECT_EQ(ring.capacity(), capacity());
  EXPECT_TRUE(consumer.empty());
  EXPECT_EQ(consumer.size_guess(), 0u);
  EXPECT_TRUE(consumer.peek().empty());
  EXPECT_FALSE(consumer.try_pop(item));
  EXPECT_EQ(item, 7u);
  EXPECT_EQ(producer.free_guess(), capacity());
}

TEST_P(SpscRingTest, FullRingRejectsPushAndKeepsOrder) {
  for (std::uint64_t lap = 0; lap < 5; ++lap) {
    for (std::size_t i = 0; i < capacity(); ++i) {
      push(lap * 10'000 + i);
    }
    EXPECT_FALSE(producer.try_push(9'999));
    EXPECT_TRUE(producer.claim(1).empty());
    EXPECT_EQ(consumer.size_guess(), capacity());
    for (std::size_t i = 0; i < capacity(); ++i) {
      EXPECT_EQ(pop(), lap * 10'000 + i);
    }
    EXPECT_TRUE(consumer.empty());
    advance(3);
  }
}

TEST_P(SpscRingTest, ReleasedSlotsAreAtOnceFree) {
  for (std::size_t i = 0; i < capacity(); ++i) {
    push(i);
  }
  for (std::uint64_t i = 0; i < 3 * capacity(); ++i) {
    EXPECT_FALSE(producer.try_push(0));
    ASSERT_EQ(consumer.peek(1).size(), 1u);
    EXPECT_EQ(consumer.peek(1)[0], i);
    consumer.release(1);
    push(capacity() + i);
  }
}

// Popping one by one gives slots back in groups; what is withheld is less than a quarter of the
// ring, and nothing once the consumer has taken all it knows of.
TEST_P(SpscRingTest, PoppedSlotsComeBackInGroups) {
  for (std::size_t i = 0; i < capacity(); ++i) {
    push(i);
  }
  const std::size_t group = std::max<std::size_t>(1, std::min<std::size_t>(64, capacity() / 4));
  for (std::uint64_t popped = 1; popped <= capacity(); ++popped) {
    EXPECT_EQ(pop(), popped - 1);
    (void)producer.claim(capacity());  // Makes the producer look.
    EXPECT_EQ(producer.free_guess(), popped / group * group);
  }
}

TEST_P(SpscRingTest, LastKnownItemGivesAllSlotsBack) {
  for (std::size_t i = 0; i < capacity() - capacity() / 2; ++i) {
    push(i);
  }
  for (std::size_t i = 0; i < capacity() - capacity() / 2; ++i) {
    EXPECT_EQ(pop(), i);
  }
  (void)producer.claim(capacity());  // Makes the producer look.
  EXPECT_EQ(producer.free_guess(), capacity());
}

TEST_P(SpscRingTest, ConsumerGivenUpWithholdsNothing) {
  for (std::size_t i = 0; i < capacity(); ++i) {
    push(i);
  }
  EXPECT_EQ(pop(), 0u);
  { const Ring::Consumer given_up = std::move(consumer); }
  EXPECT_EQ(producer.claim(1).size(), 1u);
  Ring::Consumer next = ring.consumer();
  if (capacity() > 1) {
    std::uint64_t item = 0;
    ASSERT_TRUE(next.try_pop(item));
    EXPECT_EQ(item, 1u);
  }
}

TEST_P(SpscRingTest, StagedItemsAppearTogetherAtPublish) {
  advance(capacity() / 2);
  for (std::size_t i = 0; i < capacity(); ++i) {
    ASSERT_TRUE(producer.try_stage(i));
    EXPECT_TRUE(consumer.empty());
  }
  EXPECT_FALSE(producer.try_stage(0));
  EXPECT_EQ(producer.staged(), capacity());
  producer.publish();
  EXPECT_EQ(producer.staged(), 0u);
  EXPECT_EQ(consumer.size_guess(), capacity());
  for (std::size_t i = 0; i < capacity(); ++i) {
    EXPECT_EQ(pop(), i);
  }
}

TEST_P(SpscRingTest, PublishOfNothingChangesNothing) {
  producer.publish();
  EXPECT_TRUE(consumer.empty());
  push(1);
  producer.publish();
  EXPECT_EQ(consumer.size_guess(), 1u);
  EXPECT_EQ(pop(), 1u);
}

TEST_P(SpscRingTest, ClaimIsInvisibleUntilCommitAndPublishesWhatWasStaged) {
  if (capacity() < 4) {
    GTEST_SKIP() << "needs room for a staged item and a claim";
  }
  ASSERT_TRUE(producer.try_stage(10));
  const std::span<std::uint64_t> claimed = producer.claim(3);
  ASSERT_EQ(claimed.size(), 3u);
  claimed[0] = 11;
  claimed[1] = 12;
  claimed[2] = 13;
  EXPECT_TRUE(consumer.empty());
  producer.commit(2);  // The third slot stays free.
  EXPECT_EQ(consumer.size_guess(), 3u);
  EXPECT_EQ(pop(), 10u);
  EXPECT_EQ(pop(), 11u);
  EXPECT_EQ(pop(), 12u);
  EXPECT_TRUE(consumer.empty());
}

TEST_P(SpscRingTest, ClaimStopsAtTheEndOfTheStorageAndGoesOnAtItsStart) {
  advance(capacity() - 1);
  const std::span<std::uint64_t> last = producer.claim(capacity());
  ASSERT_EQ(last.size(), 1u);
  last[0] = 100;
  producer.commit(1);
  const std::span<std::uint64_t> rest = producer.claim(capacity());
  ASSERT_EQ(rest.size(), capacity() - 1);
  std::iota(rest.begin(), rest.end(), 101u);
  producer.commit(rest.size());

  ASSERT_EQ(consumer.peek().size(), 1u);
  EXPECT_EQ(consumer.peek()[0], 100u);
  consumer.release(1);
  const std::span<std::uint64_t> run = consumer.peek();
  ASSERT_EQ(run.size(), capacity() - 1);
  for (std::size_t i = 0; i < run.size(); ++i) {
    EXPECT_EQ(run[i], 101 + i);
  }
  consumer.release(run.size());
  EXPECT_TRUE(consumer.empty());
}

TEST_P(SpscRingTest, PeekKeepsSlotsUntilRelease) {
  for (std::size_t i = 0; i < capacity(); ++i) {
    push(i);
  }
  EXPECT_EQ(consumer.peek(1).size(), 1u);
  EXPECT_EQ(consumer.peek().size(), capacity());
  EXPECT_EQ(consumer.peek()[0], 0u);
  EXPECT_FALSE(producer.try_push(0));
  consumer.release(0);
  EXPECT_FALSE(producer.try_push(0));
  consumer.release(1);
  push(capacity());
  EXPECT_FALSE(producer.try_push(0));
}

TEST_P(SpscRingTest, BatchPushesWhatFitsAndWraps) {
  std::vector<std::uint64_t> batch(capacity() + 3);
  std::iota(batch.begin(), batch.end(), 0u);
  std::vector<std::uint64_t> popped(batch.size());
  for (std::size_t lap = 0; lap < 7; ++lap) {
    EXPECT_EQ(producer.try_push_batch(batch), capacity());
    EXPECT_EQ(producer.try_push_batch(batch), 0u);
    EXPECT_EQ(consumer.try_pop_batch(popped), capacity());
    EXPECT_EQ(consumer.try_pop_batch(popped), 0u);
    for (std::size_t i = 0; i < capacity(); ++i) {
      EXPECT_EQ(popped[i], i);
    }
    advance(1);
  }
  EXPECT_EQ(producer.try_push_batch({}), 0u);
  EXPECT_EQ(consumer.try_pop_batch({}), 0u);
}

// The producer's copy of the index may know of fewer free slots than a batch needs; then the batch
// has to look again before it gives up.
TEST_P(SpscRingTest, BatchSeesSlotsThatCameFreeSinceTheLastLook) {
  std::vector<std::uint64_t> batch(capacity());
  std::iota(batch.begin(), batch.end(), 0u);
  std::vector<std::uint64_t> popped(capacity());
  ASSERT_EQ(producer.try_push_batch(batch), capacity());
  for (std::size_t lap = 0; lap < 5; ++lap) {
    ASSERT_EQ(consumer.try_pop_batch(popped), capacity());
    ASSERT_EQ(producer.try_push_batch(batch), capacity());
  }
}

TEST_P(SpscRingTest, BatchOfPopsTakesAllThatIsPublished) {
  push(0);
  std::vector<std::uint64_t> popped(capacity() + 1);
  ASSERT_TRUE(consumer.peek().size() == 1u);  // The copy of the index now says one.
  for (std::size_t i = 1; i < capacity(); ++i) {
    push(i);
  }
  EXPECT_EQ(consumer.try_pop_batch(popped), capacity());
}

TEST_P(SpscRingTest, HandlesKeepTheirPlaceWhenMovedAndMayBeTakenAgain) {
  push(1);
  {
    Ring::Producer moved_producer = std::move(producer);
    Ring::Consumer moved_consumer = std::move(consumer);
    std::uint64_t item = 0;
    ASSERT_TRUE(moved_consumer.try_pop(item));
    EXPECT_EQ(item, 1u);
    ASSERT_TRUE(moved_producer.try_push(2));
  }
  Ring::Producer next_producer = ring.producer();
  Ring::Consumer next_consumer = ring.consumer();
  EXPECT_EQ(next_producer.free_guess(), capacity() - 1);
  std::uint64_t item = 0;
  ASSERT_TRUE(next_consumer.try_pop(item));
  EXPECT_EQ(item, 2u);
}

TEST(SpscRing, CarriesItemsOfACacheLineOnLineBoundaries) {
  struct alignas(64) Line {
    std::array<std::uint64_t, 8> words;
  };
  SpscRing<Line> ring(8);
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  for (std::uint64_t i = 0; i < 100; ++i) {
    const std::span<Line> slot = producer.claim(1);
    ASSERT_EQ(slot.size(), 1u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slot.data()) % 64, 0u);
    slot[0].words.fill(i);
    producer.commit(1);
    ASSERT_EQ(consumer.peek().size(), 1u);
    EXPECT_EQ(consumer.peek()[0].words[7], i);
    consumer.release(1);
  }
}

#ifdef GTEST_HAS_DEATH_TEST
TEST(SpscRingDeathTest, CapacityMustBeAPowerOfTwo) {
  EXPECT_DEATH(Ring{3}, "has_single_bit");
  EXPECT_DEATH(Ring{0}, "has_single_bit");
}

TEST(SpscRingDeathTest, ThereIsOneProducerAndOneConsumer) {
  Ring ring(2);
  const Ring::Producer producer = ring.producer();
  const Ring::Consumer consumer = ring.consumer();
  EXPECT_DEATH((void)ring.producer(), "producer_taken");
  EXPECT_DEATH((void)ring.consumer(), "consumer_taken");
}

TEST(SpscRingDeathTest, NobodyCommitsOrReleasesWhatHeDoesNotHold) {
  Ring ring(2);
  Ring::Producer producer = ring.producer();
  Ring::Consumer consumer = ring.consumer();
  EXPECT_DEATH(producer.commit(3), "count <= free_seen");
  EXPECT_DEATH(consumer.release(1), "count <= readable_seen");
}
#endif

}  // namespace
}  // namespace ringpost::engine
