#include "protocols/http/gathered_content.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/base/prng.h"
#include "tests/engine/net/test_link.h"

namespace ringpost::http {
namespace {

TEST(GatheredContent, IsOnePieceAndHoldsLittleMoreThanWhatCame) {
  engine::LinkWorld world;
  ContentBudget budget{.bytes_max = 1 << 20};
  engine::Prng prng(1);
  for (int round = 0; round < 50; ++round) {
    GatheredContent content(budget);
    std::string all;
    for (std::uint64_t i = 1 + prng.below(40); i > 0; --i) {
      const std::string piece = engine::random_text(prng, 1 + prng.below(3000));
      ASSERT_TRUE(content.add(piece, world.buffers));
      all += piece;
      ASSERT_EQ(content.bytes(), all);
      // A block of the pool's sizes is up to four times what fits in the one before.
      ASSERT_LE(budget.bytes, 512 + 8 * all.size());
    }
    content.clear(world.buffers);
    EXPECT_EQ(content.bytes(), "");
    EXPECT_EQ(budget.bytes, 0u);
    EXPECT_EQ(world.buffers.taken_bytes(), 0u);
  }
}

TEST(GatheredContent, TheBudgetIsForAllOfThem) {
  engine::LinkWorld world;
  ContentBudget budget{.bytes_max = 1024};
  GatheredContent one(budget), two(budget), three(budget);
  EXPECT_TRUE(one.add("a", world.buffers));
  EXPECT_TRUE(two.add("b", world.buffers));
  EXPECT_FALSE(three.add("c", world.buffers));
  EXPECT_FALSE(two.add(std::string(1000, 'b'), world.buffers));
  EXPECT_EQ(two.bytes(), "b");
  one.clear(world.buffers);
  EXPECT_TRUE(three.add("c", world.buffers));
  two.clear(world.buffers);
  three.clear(world.buffers);
  EXPECT_EQ(budget.bytes, 0u);
}

}  // namespace
}  // namespace ringpost::http
