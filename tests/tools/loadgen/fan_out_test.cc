#include "tools/loadgen/fan_out.h"

#include <gtest/gtest.h>

namespace ringpost::loadgen {
namespace {

TEST(Hearing, AMessageIsSettledWhenTheLastReceiverHasIt) {
  Hearing hearing({2, 3}, 8);
  EXPECT_FALSE(hearing.hear(0, 0, 3));
  EXPECT_TRUE(hearing.hear(0, 0, 1));
  EXPECT_EQ(hearing.settled(0), 1u);
  EXPECT_TRUE(hearing.hear(0, 1, 2));
  EXPECT_EQ(hearing.settled(0), 3u);
  EXPECT_EQ(hearing.settled(1), 0u);
}

TEST(Hearing, TheWindowGoesAround) {
  Hearing hearing({1}, 4);
  for (std::uint64_t sequence = 0; sequence < 100; ++sequence) {
    EXPECT_TRUE(hearing.hear(0, sequence, 1));
    EXPECT_EQ(hearing.settled(0), sequence + 1);
  }
}

TEST(Ledger, EachSenderHasTimesOfItsOwn) {
  Ledger ledger(2, 5);
  EXPECT_EQ(ledger.window(), 8u);
  ledger.note(0, 3, 30);
  ledger.note(1, 3, 31);
  ledger.note(1, 11, 32);  // in the place of 3
  EXPECT_EQ(ledger.due(0, 3), 30);
  EXPECT_EQ(ledger.due(1, 11), 32);
}

}  // namespace
}  // namespace ringpost::loadgen
