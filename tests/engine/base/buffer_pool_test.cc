#include "engine/base/buffer_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "engine/base/prng.h"

namespace ringpost::engine {
namespace {

class BufferPoolFixture : public ::testing::Test {
 protected:
  KernelOwned kernel_owned_;
  BufferPool pool_{kernel_owned_};
};

TEST_F(BufferPoolFixture, GivesTheSmallestClassThatFits) {
  for (const std::uint32_t class_bytes : BufferPool::class_bytes) {
    const std::size_t room = class_bytes - sizeof(Block);
    Block* exact = pool_.take(room);
    EXPECT_EQ(exact->capacity, room);
    Block* larger = pool_.take(room + 1);
    EXPECT_GT(larger->capacity, room);
    std::memset(exact->data(), 1, exact->capacity);
    std::memset(larger->data(), 2, larger->capacity);
    pool_.give_back(exact);
    pool_.give_back(larger);
  }
}

TEST_F(BufferPoolFixture, ReusesWhatCameBack) {
  Block* block = pool_.take(100);
  pool_.give_back(block);
  EXPECT_EQ(pool_.free_bytes(), 512u);
  EXPECT_EQ(pool_.take(200), block);
  EXPECT_EQ(pool_.free_bytes(), 0u);
  EXPECT_EQ(block->next, nullptr);
  pool_.give_back(block);
}

TEST_F(BufferPoolFixture, KeepsNoLargeBlocks) {
  Block* block = pool_.take(1 << 20);
  EXPECT_EQ(block->size_class, BufferPool::class_custom);
  EXPECT_EQ(pool_.taken_bytes(), (1u << 20) + sizeof(Block));
  pool_.give_back(block);
  EXPECT_EQ(pool_.free_bytes(), 0u);
}

TEST_F(BufferPoolFixture, KeepsNoMoreThanItsBoundAfterABurst) {
  constexpr std::size_t large = BufferPool::class_bytes.back() - sizeof(Block);
  std::vector<Block*> blocks;
  for (std::size_t bytes = 0; bytes < BufferPool::free_bytes_max + (8u << 20);
       bytes += BufferPool::class_bytes.back()) {
    blocks.push_back(pool_.take(large));
  }
  for (Block* block : blocks) pool_.give_back(block);
  EXPECT_EQ(pool_.taken_bytes(), 0u);
  EXPECT_LE(pool_.free_bytes(), BufferPool::free_bytes_max);
  EXPECT_GT(pool_.free_bytes(), BufferPool::free_bytes_max / 2);
}

TEST_F(BufferPoolFixture, CountsEveryByteOverARandomLife) {
  Prng prng(1);
  std::vector<Block*> blocks;
  std::size_t taken = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (blocks.empty() || prng.one_in(2)) {
      Block* block = pool_.take(prng.below(prng.one_in(16) ? 300'000 : 3000));
      std::memset(block->data(), step & 0xff, block->capacity);
      taken += block->capacity + sizeof(Block);
      blocks.push_back(block);
    } else {
      const std::size_t at = prng.below(blocks.size());
      taken -= blocks[at]->capacity + sizeof(Block);
      pool_.give_back(blocks[at]);
      blocks[at] = blocks.back();
      blocks.pop_back();
    }
    ASSERT_EQ(pool_.taken_bytes(), taken);
  }
  for (Block* block : blocks) pool_.give_back(block);
}

TEST(BufferPoolDeathTest, MustGetEveryBlockBack) {
  EXPECT_DEATH(
      {
        KernelOwned kernel_owned;
        BufferPool pool(kernel_owned);
        pool.take(1);
      },
      "taken_bytes_ == 0");
}

#ifdef RINGPOST_DEBUG
TEST(BufferPoolDeathTest, RefusesABlockThatTheKernelStillOwns) {
  KernelOwned kernel_owned;
  BufferPool pool(kernel_owned);
  Block* block = pool.take(100);
  kernel_owned.note(block->data() + 90, 10);
  EXPECT_DEATH(pool.give_back(block), "assertion failed");
  kernel_owned.forget(block->data() + 90, 10);
  pool.give_back(block);
}
#endif

}  // namespace
}  // namespace ringpost::engine
