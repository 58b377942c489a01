// Parker seen by one thread, and by many wakers at once.

#include "engine/ring/parker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/engine/ring/stress.h"

namespace ringpost::engine {
namespace {

TEST(Parker, NobodyClaimsTheWakeOfOneWhoRuns) {
  Parker parker;
  EXPECT_FALSE(parker.claim_wake());
  parker.announce_sleep();
  parker.awake();
  EXPECT_FALSE(parker.claim_wake());
}

TEST(Parker, OneWakerClaimsEachAnnouncedSleep) {
  Parker parker;
  for (int i = 0; i < 3; ++i) {
    parker.announce_sleep();
    EXPECT_TRUE(parker.claim_wake());
    EXPECT_FALSE(parker.claim_wake());
    parker.awake();
  }
}

TEST(Parker, OfManyWakersExactlyOneClaims) {
  constexpr int wakers = 3;
  const std::uint64_t rounds = stress_count(2'000);
  Parker parker;
  std::atomic<std::uint64_t> round{0};
  std::atomic<int> done{0};
  std::atomic<std::uint64_t> claims{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < wakers; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t seen = 1; seen <= rounds; ++seen) {
        while (round.load(std::memory_order_acquire) < seen) {
          std::this_thread::yield();
        }
        claims.fetch_add(parker.claim_wake() ? 1 : 0, std::memory_order_relaxed);
        done.fetch_add(1, std::memory_order_release);
      }
    });
  }
  for (std::uint64_t i = 1; i <= rounds; ++i) {
    parker.announce_sleep();
    done.store(0, std::memory_order_relaxed);
    round.store(i, std::memory_order_release);
    while (done.load(std::memory_order_acquire) < wakers) {
      std::this_thread::yield();
    }
    ASSERT_EQ(claims.load(std::memory_order_relaxed), i);
    parker.awake();
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace
}  // namespace ringpost::engine
