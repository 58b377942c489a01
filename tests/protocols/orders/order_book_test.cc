#include "protocols/orders/order_book.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringpost::orders {
namespace {

using engine::ActorRef;
using engine::Bytes;
using engine::Message;
using engine::Payload;

// Sessions on shard 1, the book on shard 0.
class OrderBookTest : public ::testing::Test {
 protected:
  explicit OrderBookTest(const HoldingsOptions& options = {}) : book_(options, there_, payloads_) {}
  ~OrderBookTest() override { take_answers(); }

  Message& tell_buy(float amount, Bytes ticker, std::uint64_t token = 0) {
    Message& message = here_.tell(book_ref_, session_, kind_buy);
    message.token = token;
    put_buy(message, amount, ticker, payloads_);
    return message;
  }
  void ask_buy(float amount, Bytes ticker, std::uint64_t token) {
    put_buy(here_.ask(book_ref_, session_, kind_buy, token), amount, ticker, payloads_);
  }
  void ask_state(std::uint64_t token = 0) { here_.ask(book_ref_, session_, kind_get, token); }

  // All that was sent reaches the book as one run; what it answered.
  struct Answer {
    std::uint16_t kind;
    std::uint64_t token;
    std::uint32_t value;
    std::string text;
    const char* block;
  };
  std::vector<Answer> run() {
    book_.receive(here_.queue(0).items());
    here_.queue(0).clear();
    return take_answers();
  }
  std::vector<Answer> take_answers() {
    std::vector<Answer> answers;
    for (const Message& message : there_.queue(1).items()) {
      EXPECT_EQ(message.to, session_);
      Answer answer{message.kind, message.token, message.value, {}, nullptr};
      if (message.kind == kind_state) {
        const Payload line = engine::take_payload(message);
        answer.text = line.bytes();
        answer.block = line.bytes().data();
      }
      answers.push_back(answer);
    }
    there_.queue(1).clear();
    return answers;
  }
  std::string state() {
    ask_state();
    return run().at(0).text;
  }

  engine::PayloadPool payloads_;
  engine::Post here_{1, 2};
  engine::Post there_{0, 2};
  ActorRef session_ = ActorRef::session(1, 3, 1);
  ActorRef book_ref_ = ActorRef::actor(0, 1, 1);
  OrderBook book_;
};

TEST_F(OrderBookTest, AnEmptyBookIsAnEmptyLine) { EXPECT_EQ(state(), "\n"); }

TEST_F(OrderBookTest, BuysAreSilentAndAddUp) {
  tell_buy(8, "BYND");
  tell_buy(9, "PLTR");
  tell_buy(9, "PLTR");  // reaches the cap: rejected, and silent too
  EXPECT_TRUE(run().empty());
  EXPECT_EQ(state(), "BYND: 8;PLTR: 9;\n");
}

TEST_F(OrderBookTest, AGetInARunSeesTheBuysBeforeItAndNoneBehind) {
  tell_buy(1, "A");
  ask_state(1);
  tell_buy(1, "A");
  ask_state(2);
  const auto answers = run();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].text, "A: 1;\n");
  EXPECT_EQ(answers[0].token, 1u);
  EXPECT_EQ(answers[1].text, "A: 2;\n");
  EXPECT_EQ(answers[1].token, 2u);
}

TEST_F(OrderBookTest, OneRenderingServesAllWhoAskForAVersion) {
  tell_buy(1, "A");
  for (std::uint64_t i = 0; i < 3; ++i) ask_state(i);
  const auto first = run();
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[1].block, first[0].block);
  EXPECT_EQ(first[2].block, first[0].block);

  tell_buy(100, "B");  // rejected: the same version
  ask_state();
  EXPECT_EQ(run().at(0).block, first[0].block);

  ask_state();
  tell_buy(1, "A");
  ask_state();
  const auto second = run();
  EXPECT_EQ(second[0].text, "A: 1;\n");
  EXPECT_EQ(second[1].text, "A: 2;\n");  // the older line was still held, and is untouched
}

TEST_F(OrderBookTest, AskedBuysAreAnsweredWithTheirOutcome) {
  ask_buy(19, "A", 5);
  ask_buy(1, "A", 6);
  const auto answers = run();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].kind, kind_buy_done);
  EXPECT_EQ(answers[0].token, 5u);
  EXPECT_EQ(answers[0].value, 1u);
  EXPECT_EQ(answers[1].token, 6u);
  EXPECT_EQ(answers[1].value, 0u);
}

TEST_F(OrderBookTest, ALongTickerRidesInAPayloadThatComesBack) {
  const std::string inline_most(ticker_inline_max, 'i');
  const std::string shortest(ticker_inline_max + 1, 's');
  const std::string longest(64, 'l');
  EXPECT_EQ(tell_buy(1, inline_most).holds, engine::Holds::nothing);
  EXPECT_EQ(tell_buy(1, shortest).holds, engine::Holds::payload);
  tell_buy(1, longest);
  run();
  EXPECT_EQ(state(), inline_most + ": 1;" + longest + ": 1;" + shortest + ": 1;\n");
  // The pool asserts at its end that every payload came back.
}

HoldingsOptions two_tickers() {
  HoldingsOptions options;
  options.tickers_max = 2;
  return options;
}

class SmallOrderBookTest : public OrderBookTest {
 protected:
  SmallOrderBookTest() : OrderBookTest(two_tickers()) {}
};

TEST_F(SmallOrderBookTest, TooManyTickersIsAnObjectionWithTheTokenOfTheBuy) {
  tell_buy(1, "A");
  tell_buy(1, "B");
  tell_buy(1, "C", 77);
  tell_buy(1, "A");
  const auto answers = run();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].kind, kind_buy_error);
  EXPECT_EQ(answers[0].token, 77u);
  EXPECT_EQ(answers[0].value, static_cast<std::uint32_t>(Errc::too_many_tickers));
  EXPECT_EQ(state(), "A: 2;B: 1;\n");
}

TEST_F(SmallOrderBookTest, AnAskedBuyOfTooManyTickersIsAnsweredOnce) {
  ask_buy(1, "A", 1);
  ask_buy(1, "B", 2);
  ask_buy(1, std::string(60, 'C'), 3);
  const auto answers = run();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[2].kind, kind_buy_error);
  EXPECT_EQ(answers[2].token, 3u);
}

}  // namespace
}  // namespace ringpost::orders
