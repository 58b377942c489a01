#include "protocols/orders/session.h"

#include <gtest/gtest.h>

#include <string>

#include "protocols/orders/order_book.h"
#include "tests/engine/net/test_link.h"

namespace ringpost::orders {
namespace {

using engine::ActorRef;
using engine::Bytes;
using engine::CloseReason;
using engine::LinkWorld;
using engine::Message;
using engine::Post;
using engine::TestLink;

// A session on shard 0 and the book on shard 1; the test moves the messages between them.
class OrdersSession : public ::testing::Test {
 protected:
  explicit OrdersSession(const SessionOptions& options = {}, const HoldingsOptions& holdings = {})
      : shared_{.options = with_book(options)}, session_(shared_), book_(holdings, there_, pool_) {
    session_.on_open(link_);
  }
  ~OrdersSession() override {
    pump();
    session_.on_closed(CloseReason::peer_closed);
  }

  static SessionOptions with_book(SessionOptions options) {
    options.book = ActorRef::actor(1, 1, 1);
    return options;
  }

  // As the connection does: what is not consumed is offered again, with more behind it.
  void arrive(Bytes bytes) {
    input_ += bytes;
    offer();
  }
  void offer() {
    if (!input_.empty() && !link_.paused()) input_.erase(0, session_.on_bytes(input_));
  }
  void end() {
    session_.on_end(input_);
    input_.clear();
  }

  // What waits on the way to the book.
  std::size_t asked(std::uint16_t kind) {
    std::size_t count = 0;
    for (const Message& message : world_.post.queue(1).items()) count += message.kind == kind;
    return count;
  }
  // Everything reaches the book, and its answers the session.
  void pump() {
    while (!world_.post.queue(1).empty()) {
      const auto items = world_.post.queue(1).items();
      const std::vector<Message> run(items.begin(), items.end());
      world_.post.queue(1).clear();
      for (const Message& message : run) {
        if (message.kind == engine::kind_sync) {
          there_.answer(message, engine::kind_synced);
        } else {
          book_.receive({&message, 1});
        }
      }
      const auto answers = there_.queue(0).items();
      if (!answers.empty()) session_.on_messages(answers);
      there_.queue(0).clear();
      offer();
    }
  }
  std::string output() { return link_.take_output(); }
  // What the peer reads after it sent all this.
  std::string answer_to(Bytes bytes) {
    arrive(bytes);
    pump();
    return output();
  }
  // The window opens with the first state line that came.
  void know_the_state() { EXPECT_FALSE(answer_to("GET\n").empty()); }

  engine::PayloadPool pool_;
  LinkWorld world_{0, 2};
  TestLink link_{world_};
  Post there_{1, 2};
  SessionShared shared_;
  Session session_;
  OrderBook book_;
  std::string input_;
};

TEST_F(OrdersSession, TheSampleOfTheTutorial) {
  EXPECT_EQ(answer_to("BUY;8.0;BYND\nBUY;9.0;PLTR\nBUY;9.0;PLTR\nGET\n"), "BYND: 8;PLTR: 9;\n");
}

constexpr Bytes mixed_input = "BUY;1;A\r\nSELL;1;A\n\nGET\nBUY;x;A\nBUY;2;B\nGET\nGET\nBUY;1\n";
constexpr Bytes mixed_output =
    "ERR unknown command\nERR unknown command\nA: 1;\nERR bad amount\nA: 1;B: 2;\nA: 1;B: 2;\n"
    "ERR missing field\n";

class OrdersSplit : public OrdersSession, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(OrdersSplit, GivesTheSameOutput) {
  std::string got = answer_to(mixed_input.substr(0, GetParam()));
  got += answer_to(mixed_input.substr(GetParam()));
  EXPECT_EQ(got, mixed_output);
}
INSTANTIATE_TEST_SUITE_P(Everywhere, OrdersSplit,
                         ::testing::Range<std::size_t>(0, mixed_input.size() + 1));

TEST_F(OrdersSession, AnswersKnownAtOnceWaitForThoseThatAreAsked) {
  know_the_state();
  arrive("GET\nSELL\nGET\n");
  EXPECT_EQ(output(), "");
  EXPECT_EQ(asked(kind_get), 2u);
  pump();
  EXPECT_EQ(output(), "\nERR unknown command\n\n");
}

TEST_F(OrdersSession, GetsInARowAreOneAskAndAnsweredEach) {
  know_the_state();
  arrive("GET\nGET\nGET\nBUY;1;A\nGET\nGET\n");
  EXPECT_EQ(asked(kind_get), 2u);
  pump();
  EXPECT_EQ(output(), "\n\n\nA: 1;\nA: 1;\n");
}

// The BUYs before it might still be refused.
TEST_F(OrdersSession, AnErrorBehindSilentBuysWaitsForTheirShard) {
  arrive("BUY;1;A\nSELL\n");
  EXPECT_EQ(output(), "");
  EXPECT_EQ(asked(engine::kind_sync), 1u);
  pump();
  EXPECT_EQ(output(), "ERR unknown command\n");
}

HoldingsOptions one_ticker() {
  HoldingsOptions options;
  options.tickers_max = 1;
  return options;
}

class OrdersSessionFullBook : public OrdersSession {
 protected:
  OrdersSessionFullBook() : OrdersSession({}, one_ticker()) {}
};

TEST_F(OrdersSessionFullBook, AnObjectionStandsWhereItsBuyStood) {
  know_the_state();
  EXPECT_EQ(answer_to("BUY;1;A\nGET\nBUY;1;B\nSELL\nBUY;1;C\nBUY;1;A\nGET\n"),
            "A: 1;\nERR too many tickers\nERR unknown command\nERR too many tickers\nA: 2;\n");
  EXPECT_EQ(world_.counters.limit_tickers, 2u);
  EXPECT_EQ(world_.counters.protocol_errors, 3u);
}

TEST_F(OrdersSessionFullBook, TheEndWaitsForTheLastObjection) {
  arrive("BUY;1;A\nBUY;1;B\n");
  end();
  EXPECT_EQ(link_.goodbye, CloseReason::none);
  pump();
  EXPECT_EQ(link_.goodbye, CloseReason::peer_closed);
  EXPECT_EQ(output(), "ERR too many tickers\n");
}

// --- The end ---

TEST_F(OrdersSession, TheEndWaitsForEveryAnswer) {
  know_the_state();
  arrive("GET\nGET\n");
  end();
  EXPECT_EQ(link_.goodbye, CloseReason::none);
  pump();
  EXPECT_EQ(output(), "\n\n");
  EXPECT_EQ(link_.goodbye, CloseReason::peer_closed);
}

TEST_F(OrdersSession, WithNothingOutstandingItEndsAtOnce) {
  end();
  EXPECT_EQ(link_.goodbye, CloseReason::peer_closed);
}

TEST_F(OrdersSession, AnUnfinishedLastLineIsHandled) {
  arrive("BUY;1;A\nGET");
  end();
  pump();
  EXPECT_EQ(output(), "A: 1;\n");
  EXPECT_EQ(link_.goodbye, CloseReason::peer_closed);
}

SessionOptions four_replies() {
  SessionOptions options;
  options.replies_max = 4;
  return options;
}

class OrdersSessionNarrow : public OrdersSession {
 protected:
  OrdersSessionNarrow() : OrdersSession(four_replies()) {}
};

TEST_F(OrdersSessionNarrow, NoMoreAreAskedForThanItsBound) {
  know_the_state();
  arrive("GET\nBUY;1;A\nGET\nBUY;1;A\nGET\nSELL\nBUY;1;A\nGET\n");
  EXPECT_EQ(asked(kind_get), 3u);
  EXPECT_TRUE(link_.session_paused());
  EXPECT_EQ(input_, "BUY;1;A\nGET\n");
  EXPECT_EQ(world_.counters.limit_replies, 2u);  // the first GET of all came alone, too
  pump();
  EXPECT_FALSE(link_.session_paused());
  EXPECT_EQ(output(), "\nA: 1;\nA: 2;\nERR unknown command\nA: 3;\n");
  EXPECT_EQ(input_, "");
}

// Story: a peer that had all but one of its answers outstanding ended with an unfinished GET. It
// took the last place, the barrier of the end found none, and an assertion took the server down.
TEST_F(OrdersSessionNarrow, ItMayEndWithAsManyOutstandingAsThereMayBe) {
  know_the_state();
  arrive("GET\nBUY;1;A\nGET\nBUY;1;A\nGET\nBUY;1;A\nGET");
  EXPECT_FALSE(link_.session_paused());
  end();
  pump();
  EXPECT_EQ(output(), "\nA: 1;\nA: 2;\nA: 3;\n");
  EXPECT_EQ(link_.goodbye, CloseReason::peer_closed);
}

// --- The window ---

TEST_F(OrdersSession, BeforeTheFirstStateLineOneIsAskedForAtATime) {
  arrive("GET\nGET\n");
  EXPECT_EQ(asked(kind_get), 1u);
  EXPECT_TRUE(link_.session_paused());
  pump();
  EXPECT_EQ(output(), "\n\n");
  EXPECT_EQ(link_.resumed, 1);
}

// One answer may pass the output's high mark, but no second is asked for above it.
TEST_F(OrdersSession, AsManyAreAskedForAsFitUnderTheMark) {
  std::string buys;
  for (int i = 0; i < 1000; ++i) buys += "BUY;0.001;T" + std::to_string(1000 + i) + "\n";
  answer_to(buys);
  know_the_state();
  const std::uint64_t line_bytes = shared_.state_bytes;
  ASSERT_GT(line_bytes, 10'000u);
  link_.set_output_high(3 * line_bytes);

  std::string gets;
  for (int i = 0; i < 10; ++i) gets += "GET\nBUY;0.001;T1000\n";
  arrive(gets);
  EXPECT_EQ(asked(kind_get), 4u);  // three fit under it, and one passes it
  EXPECT_TRUE(link_.session_paused());
}

TEST_F(OrdersSession, ItStopsAtOnceWhenTheLinkPauses) {
  know_the_state();
  world_.post.set_full(1, true);
  arrive("GET\nGET\n");
  EXPECT_EQ(input_, "GET\nGET\n");
  world_.post.set_full(1, false);
  offer();
  pump();
  EXPECT_EQ(output(), "\n\n");
}

// --- Limits and errors ---

SessionOptions short_lines() {
  SessionOptions options;
  options.line_bytes_max = 16;
  return options;
}

class OrdersSessionShortLines : public OrdersSession {
 protected:
  OrdersSessionShortLines() : OrdersSession(short_lines()) {}
};

TEST_F(OrdersSessionShortLines, ALineOverTheLimitIsOneErrorInItsPlace) {
  know_the_state();
  EXPECT_EQ(answer_to("GET\n" + std::string(1000, 'x') + "\nBUY;1;A\nGET\n"),
            "\nERR line too long\nA: 1;\n");
  EXPECT_EQ(world_.counters.limit_line_too_long, 1u);
}

TEST_F(OrdersSession, RequestsAreCounted) {
  answer_to("GET\nBUY;1;A\nSELL\nGE");
  EXPECT_EQ(world_.counters.requests, 3u);
  arrive("T");
  end();
  EXPECT_EQ(world_.counters.requests, 4u);
}

// --- Acknowledgements ---

SessionOptions acknowledged() {
  SessionOptions options;
  options.acknowledge = true;
  return options;
}

class OrdersSessionAck : public OrdersSession {
 protected:
  OrdersSessionAck() : OrdersSession(acknowledged(), one_ticker()) {}
};

TEST_F(OrdersSessionAck, EachBuyIsAnsweredInItsPlace) {
  EXPECT_EQ(answer_to("BUY;1;A\nGET\nBUY;30;A\nSELL\nBUY;1;B\nBUY;1;A\n"),
            "1\nA: 1;\n0\nERR unknown command\nERR too many tickers\n1\n");
}

// Story: acknowledgements were counted as state lines. Before the first GET of a shard one BUY was
// asked at a time, each with a pause; behind a large book as few as state lines fit under the mark.
TEST_F(OrdersSessionAck, AcknowledgementsAreNoStateLines) {
  arrive("BUY;1;A\nBUY;1;A\nBUY;1;A\n");
  EXPECT_EQ(asked(kind_buy), 3u);
  pump();
  EXPECT_EQ(output(), "1\n1\n1\n");

  know_the_state();
  link_.set_output_high(shared_.state_bytes);
  arrive("BUY;1;A\nBUY;1;A\nBUY;1;A\nGET\nBUY;1;A\nGET\nGET\n");
  EXPECT_EQ(asked(kind_buy), 4u);
  EXPECT_EQ(asked(kind_get), 2u);  // one fits under the mark, and one passes it
  EXPECT_EQ(input_, "GET\n");
  pump();
  EXPECT_EQ(output(), "1\n1\n1\nA: 6;\n1\nA: 7;\n");
  offer();  // the output above its mark held it back
  pump();
  EXPECT_EQ(output(), "A: 7;\n");
  EXPECT_EQ(world_.counters.limit_replies, 2u);  // the first GET of all came alone, too
}

class OrdersSessionAckNarrow : public OrdersSession {
 protected:
  static SessionOptions options() {
    SessionOptions options = acknowledged();
    options.replies_max = 4;
    return options;
  }
  OrdersSessionAckNarrow() : OrdersSession(options()) {}
};

TEST_F(OrdersSessionAckNarrow, NoMoreAreOutstandingThanItsBound) {
  arrive("BUY;1;A\nBUY;1;A\nBUY;1;A\nBUY;1;A\nBUY;1;A\n");
  EXPECT_EQ(asked(kind_buy), 4u);
  EXPECT_TRUE(link_.session_paused());
  EXPECT_EQ(world_.counters.limit_replies, 1u);
  pump();
  EXPECT_EQ(output(), "1\n1\n1\n1\n1\n");
}

// --- A connection that goes ---

TEST_F(OrdersSession, WhatIsOutstandingIsDroppedWithTheConnection) {
  know_the_state();
  arrive("GET\nSELL\nGET\nBUY;1;" + std::string(60, 'T') + "\n");
  session_.on_closed(CloseReason::reset);
  EXPECT_EQ(world_.buffers.taken_bytes(), 0u);
  // The answers that still come find nobody (see Shard); only the book's part is left to do.
  for (const Message& message : world_.post.queue(1).items()) {
    dispose(message, [](int) { FAIL(); });
  }
  world_.post.queue(1).clear();
}

}  // namespace
}  // namespace ringpost::orders
