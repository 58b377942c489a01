#include "tools/loadgen/orders_talk.h"

#include <gtest/gtest.h>

#include "tests/tools/loadgen/conversation.h"

namespace ringpost::loadgen {
namespace {

const OrdersScript mixed({.buys = 3, .gets = 1});
const OrdersScript gets({.buys = 0, .gets = 1});

struct Trader : Conversation<OrdersTalk> {
  explicit Trader(const OrdersScript& script, const std::string& first = "\n")
      : Conversation(script) {
    EXPECT_EQ(link.take_output(), "GET\n");
    arrive(first);
    EXPECT_TRUE(ear.ready);
  }
  std::string told_of(const std::string& replies) {
    for (const char byte : replies) arrive({&byte, 1});
    return ear.told();
  }
};

TEST(OrdersTalk, RequestsAreTheMix) {
  Trader trader(mixed);
  trader.talk.request(5);
  EXPECT_EQ(trader.link.take_output(), "BUY;1;BYND\nBUY;1;NODE\nBUY;1;PLTR\nGET\nBUY;1;POST\n");
  EXPECT_EQ(mixed.answered_max, 4u);
  EXPECT_EQ(OrdersScript({.buys = 2, .gets = 3}).answered_max, 2u);
}

TEST(OrdersTalk, AReplyAnswersTheBuysBeforeItToo) {
  Trader trader(mixed);
  trader.talk.request(8);
  EXPECT_EQ(trader.told_of("BYND: 1;NODE: 1;PLTR: 1;\n"), "4 right, 0 failed");
  EXPECT_EQ(trader.told_of("BYND:1;NODE:2;PLTR:1.5;POST:1;\n"), "8 right, 0 failed");
}

TEST(OrdersTalk, WhatIsLeftAtTheEndIsAskedFor) {
  Trader trader(mixed);
  trader.talk.request(2);
  trader.link.take_output();
  trader.talk.conclude();
  EXPECT_EQ(trader.link.take_output(), "GET\n");
  EXPECT_EQ(trader.told_of("A: 1;\n"), "2 right, 0 failed");
}

TEST(OrdersTalk, WhatCannotBeIsTold) {
  const auto told = [](const std::string& reply) {
    Trader trader(mixed, "A: 2;B: 1;\n");
    trader.talk.request(4);
    return trader.told_of(reply);
  };
  const std::string wrong = "0 right, 4 failed, wrong bytes 0";
  EXPECT_EQ(told("A: 1;B: 1;\n"), wrong);  // less than before
  EXPECT_EQ(told("A: 2;\n"), wrong);       // B is gone
  EXPECT_EQ(told("A: 2;B: 1;B: 1;\n"), wrong);
  EXPECT_EQ(told("A: 2;B: 1\n"), wrong);
  EXPECT_EQ(told("A: 2;B: x;\n"), wrong);
  EXPECT_EQ(told("A: 2;B 1;\n"), wrong);
  EXPECT_EQ(told("ERR bad amount\nA: 2;B: 1;\n"), "4 right, 0 failed, unexpected 0");
}

TEST(OrdersTalk, TheOrderOfTheBookMayChange) {
  Trader trader(mixed, "A: 2;B: 1;\n");
  trader.talk.request(8);
  EXPECT_EQ(trader.told_of("B: 1;A: 2;C: 1;\nC: 2;A: 2;B: 1;\n"), "8 right, 0 failed");
  trader.talk.request(4);
  EXPECT_EQ(trader.told_of("C: 2;A: 2;B: 0;\n"), "8 right, 4 failed, wrong bytes 2");
}

TEST(OrdersTalk, OwnPurchasesAreMissed) {
  const OrdersScript own({.buys = 3, .gets = 1}, true);
  const auto told = [&own](const std::string& replies) {
    Trader trader(own);
    trader.talk.request(8);
    return trader.told_of(replies);
  };
  const std::string first = "BYND: 1;NODE: 1;PLTR: 1;\n";
  EXPECT_EQ(told(first + "BYND: 2;NODE: 1;PLTR: 1;POST: 1;RING: 1;\n"), "8 right, 0 failed");
  EXPECT_EQ(told(first + "RING: 9;POST: 9;PLTR: 9;NODE: 9;BYND: 9;\n"), "8 right, 0 failed");
  EXPECT_EQ(told("BYND: 1;PLTR: 1;\n" + first), "0 right, 8 failed, missing 0, missing 1");
  EXPECT_EQ(told(first + first), "4 right, 4 failed, missing 1");
}

TEST(OrdersTalk, WithoutABuyTheBookStaysAsItWas) {
  Trader trader(gets, "A: 2;\n");
  trader.talk.request(2);
  EXPECT_EQ(trader.told_of("A: 2;\nA: 3;\n"), "1 right, 1 failed, wrong bytes 1");
}

}  // namespace
}  // namespace ringpost::loadgen
