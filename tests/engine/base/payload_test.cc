#include "engine/base/payload.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/prng.h"

namespace ringpost::engine {
namespace {

TEST(Payload, HoldsTheBytesItWasMadeFrom) {
  PayloadPool pool;
  const Payload payload = pool.make(Bytes("hello"));
  EXPECT_TRUE(static_cast<bool>(payload));
  EXPECT_EQ(payload.bytes(), "hello");
  EXPECT_FALSE(static_cast<bool>(Payload()));
  EXPECT_EQ(Payload().bytes(), "");
}

TEST(Payload, IsFilledInPlaceAndMayShrink) {
  PayloadPool pool;
  Payload payload = pool.make(std::size_t{300});
  EXPECT_GE(payload.capacity(), 300u);
  EXPECT_EQ(payload.bytes().size(), 300u);
  std::memcpy(payload.fill(), "abc", 3);
  payload.set_size(3);
  EXPECT_EQ(payload.bytes(), "abc");
}

TEST(Payload, LivesUntilTheLastHolderLetsGo) {
  PayloadPool pool;
  Payload first = pool.make(Bytes("shared"));
  Payload second = first.share();
  const char* data = first.bytes().data();
  first.reset();
  first.reset();
  EXPECT_EQ(second.bytes(), "shared");
  EXPECT_EQ(second.bytes().data(), data);
  second = Payload();
  // Only now is the block free, and the next payload of its class takes it.
  EXPECT_EQ(pool.make(Bytes("next")).bytes().data(), data);
}

TEST(Payload, TravelsAsAPlainPointer) {
  PayloadPool pool;
  Payload payload = pool.make(Bytes("in a message"));
  PayloadBlock* block = payload.release();
  EXPECT_FALSE(static_cast<bool>(payload));
  EXPECT_EQ(Payload::adopt(block).bytes(), "in a message");
}

TEST(Payload, MoveLeavesNothingBehind) {
  PayloadPool pool;
  Payload first = pool.make(Bytes("a"));
  Payload second = std::move(first);
  EXPECT_FALSE(static_cast<bool>(first));  // NOLINT(bugprone-use-after-move)
  Payload third = pool.make(Bytes("b"));
  third = std::move(second);
  EXPECT_EQ(third.bytes(), "a");
}

TEST(PayloadPool, ServesEverySizeAroundItsClasses) {
  PayloadPool pool;
  std::vector<Payload> payloads;
  for (const std::uint32_t class_bytes : PayloadPool::class_bytes) {
    for (const std::size_t around : {class_bytes - 41u, class_bytes - 1u, class_bytes + 1u}) {
      Payload payload = pool.make(around);
      ASSERT_GE(payload.capacity(), around);
      std::memset(payload.fill(), 'x', payload.capacity());
      payloads.push_back(std::move(payload));
    }
  }
  Payload empty = pool.make(std::size_t{0});
  EXPECT_TRUE(static_cast<bool>(empty));
  EXPECT_EQ(empty.bytes().size(), 0u);
}

TEST(PayloadPoolDeathTest, MustOutliveItsPayloads) {
  EXPECT_DEATH(
      {
        Payload survivor;
        PayloadPool pool;
        survivor = pool.make(Bytes("x"));
        // `pool` is destroyed first.
      },
      "live == 0");
}

#ifdef RINGPOST_DEBUG
TEST(PayloadDeathTest, MustNotBeFilledOnceShared) {
  PayloadPool pool;
  Payload payload = pool.make(Bytes("x"));
  Payload other = payload.share();
  EXPECT_DEATH(payload.fill(), "assertion failed");
}
#endif

// One owner makes payloads; two other threads read, share and drop them. Slots are the lanes'
// stand-in: a release store publishes, an acquiring exchange takes. Every block must come back to
// the owner, which its pool's destructor checks, and no reader may see a block that was filled
// anew.
TEST(PayloadPool, GetsBlocksBackFromOtherThreads) {
  constexpr int rounds = 20'000;
  constexpr std::size_t reader_count = 2;
  PayloadPool pool;
  std::array<std::array<std::atomic<PayloadBlock*>, 8>, reader_count> slots = {};
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> bytes_read{0};

  auto read = [&](std::size_t reader) {
    Prng prng(reader + 1);
    std::vector<Payload> held;
    std::uint64_t read_here = 0;
    auto check = [&](const Payload& payload) {
      const Bytes bytes = payload.bytes();
      for (const char c : bytes) ASSERT_EQ(c, bytes.front());
      read_here += bytes.size();
    };
    for (;;) {
      const bool last = done.load(std::memory_order_acquire);
      bool any = false;
      for (auto& slot : slots[reader]) {
        PayloadBlock* block = slot.exchange(nullptr, std::memory_order_acquire);
        if (block == nullptr) continue;
        any = true;
        Payload payload = Payload::adopt(block);
        check(payload);
        if (prng.one_in(2)) held.push_back(payload.share());
        if (held.size() > 16) {
          check(held.front());
          held.erase(held.begin());
        }
      }
      if (last && !any) break;
      if (!any) std::this_thread::yield();
    }
    for (const Payload& payload : held) check(payload);
    held.clear();
    bytes_read += read_here;
  };
  std::vector<std::thread> readers;
  for (std::size_t reader = 0; reader < reader_count; ++reader) readers.emplace_back(read, reader);

  Prng prng(99);
  std::uint64_t bytes_made = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::size_t bytes = 1 + prng.below(prng.one_in(32) ? 2000 : 100);
    Payload payload = pool.make(bytes);
    std::memset(payload.fill(), 'a' + round % 26, bytes);
    for (auto& lane : slots) {
      PayloadBlock* block = payload.share().release();
      PayloadBlock* expected = nullptr;
      // Release: publishes the filled bytes.
      while (!lane[prng.below(lane.size())].compare_exchange_weak(
          expected, block, std::memory_order_release, std::memory_order_relaxed)) {
        expected = nullptr;
        if (prng.one_in(16)) std::this_thread::yield();
      }
      bytes_made += bytes;
    }
  }
  done.store(true, std::memory_order_release);
  for (std::thread& reader : readers) reader.join();
  EXPECT_GE(bytes_read.load(), bytes_made);  // held ones are read more than once
  for (auto& lane : slots) {
    for (auto& slot : lane) EXPECT_EQ(slot.load(), nullptr);
  }
}

}  // namespace
}  // namespace ringpost::engine
