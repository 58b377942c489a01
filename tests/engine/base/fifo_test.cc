#include "engine/base/fifo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "engine/base/prng.h"

namespace ringpost::engine {
namespace {

TEST(Fifo, KeepsOrderWhateverIsPushedAndPopped) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    Fifo<std::unique_ptr<std::uint64_t>> fifo;
    std::deque<std::uint64_t> model;
    std::uint64_t next = 0;
    for (int step = 0; step < 3000; ++step) {
      // Times of growth and times of emptying.
      for (std::uint64_t i = prng.below((step / 300) % 2 == 0 ? 9 : 3); i > 0; --i) {
        fifo.push(std::make_unique<std::uint64_t>(next));
        model.push_back(next++);
      }
      for (std::uint64_t i = prng.below(6); i > 0 && !fifo.empty(); --i) {
        ASSERT_EQ(*fifo.front(), model.front());
        ASSERT_EQ(*fifo.pop(), model.front());
        model.pop_front();
      }
      ASSERT_EQ(fifo.size(), model.size());
      ASSERT_EQ(fifo.empty(), model.empty());
    }
    std::size_t index = 0;
    for (const auto& item : fifo) ASSERT_EQ(*item, model[index++]);
    ASSERT_EQ(index, model.size());
  }
}

TEST(Fifo, FedAndEmptiedAtTheSamePaceItStaysInItsMemory) {
  Fifo<int> fifo;
  int next = 0;
  const auto step = [&] {
    fifo.push(next++);
    if (fifo.size() > 100) {
      ASSERT_EQ(fifo.pop(), next - 101);
    }
  };
  for (int i = 0; i < 1000; ++i) step();
  const int* lowest = &fifo.front();
  const int* highest = lowest;
  for (int i = 0; i < 100'000; ++i) {
    step();
    const int* const front = &fifo.front();
    lowest = std::min(lowest, front);
    highest = std::max(highest, front);
  }
  EXPECT_LT(highest - lowest, 256);
}

TEST(Fifo, ClearEmptiesIt) {
  Fifo<int> fifo;
  fifo.push(1);
  fifo.push(2);
  fifo.pop();
  fifo.clear();
  EXPECT_TRUE(fifo.empty());
  fifo.push(3);
  EXPECT_EQ(fifo.pop(), 3);
}

}  // namespace
}  // namespace ringpost::engine
