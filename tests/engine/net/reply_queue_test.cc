#include "engine/net/reply_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "tests/engine/net/test_link.h"

namespace ringpost::engine {
namespace {

constexpr std::uint16_t kind_question = kind_protocol_first;
constexpr std::uint16_t kind_silent = kind_protocol_first + 1;

// A session on shard 0 and actors on three shards, whose messages the test moves by hand.
class ReplyQueueTest : public ::testing::Test {
 protected:
  explicit ReplyQueueTest(std::uint32_t places_max = 8) : queue_(places_max) { queue_.open(link_); }
  ~ReplyQueueTest() override { queue_.clear(); }

  static ActorRef actor(std::uint32_t shard) { return ActorRef::actor(shard, 7, 1); }

  // What was sent to a shard since the last call.
  std::vector<Message> sent_to(std::uint32_t shard) {
    const auto items = world_.post.queue(shard).items();
    std::vector<Message> sent(items.begin(), items.end());
    world_.post.queue(shard).clear();
    return sent;
  }
  std::uint64_t ask(std::uint32_t shard) { return queue_.ask(actor(shard), kind_question).token; }
  std::uint64_t tell(std::uint32_t shard) { return queue_.tell(actor(shard), kind_silent).token; }
  void resolve(std::uint64_t token, Bytes text) {
    queue_.resolve(token, world_.payloads.make(text));
  }
  std::string output() { return link_.take_output(); }

  LinkWorld world_{0, 3};
  TestLink link_{world_};
  ReplyQueue queue_;
};

TEST_F(ReplyQueueTest, AnAnswerKnownAtOnceGoesOutAtOnce) {
  queue_.say("now");
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(output(), "now");
  EXPECT_EQ(world_.buffers.taken_bytes(), 0u);
}

TEST_F(ReplyQueueTest, AnAskCarriesItsTokenAndAddress) {
  const std::uint64_t token = ask(1);
  const auto sent = sent_to(1);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].to, actor(1));
  EXPECT_EQ(sent[0].from, link_.self());
  EXPECT_EQ(sent[0].token, token);
  EXPECT_TRUE(sent[0].is_ask);
}

TEST_F(ReplyQueueTest, AnswersGoOutInRequestOrder) {
  const std::uint64_t first = ask(1);
  const std::uint64_t second = ask(2);
  const std::uint64_t third = ask(0);
  queue_.say("4");
  resolve(third, "3");
  EXPECT_EQ(output(), "");
  resolve(first, "1");
  EXPECT_EQ(output(), "1");
  resolve(second, "2");
  EXPECT_EQ(output(), "234");
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(world_.buffers.taken_bytes(), 0u);
}

TEST_F(ReplyQueueTest, AnAnswerWithoutTextKeepsThePlaceOfTheOthers) {
  const std::uint64_t first = ask(1);
  const std::uint64_t second = ask(1);
  queue_.resolve(second, Bytes("2"));
  queue_.resolve(first, Bytes(""));
  EXPECT_EQ(output(), "2");
}

TEST_F(ReplyQueueTest, SaidBehindASilentRequestItWaitsForASync) {
  tell(1);
  queue_.say("said");
  EXPECT_EQ(output(), "");
  const auto sent = sent_to(1);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].kind, kind_silent);
  EXPECT_EQ(sent[1].kind, kind_sync);
  EXPECT_EQ(sent[1].to, ReplyQueue::shard_actor(1));
  EXPECT_TRUE(sent[1].is_ask);
  queue_.synced(sent[1].token);
  EXPECT_EQ(output(), "said");
  EXPECT_TRUE(queue_.empty());
}

TEST_F(ReplyQueueTest, OneSyncServesManySilentRequests) {
  for (int i = 0; i < 5; ++i) tell(2);
  queue_.say("a");
  queue_.say("b");  // told nothing in between: waits in its place, and asks for nothing
  EXPECT_EQ(sent_to(2).size(), 6u);
  queue_.synced(0);
  EXPECT_EQ(output(), "ab");
}

TEST_F(ReplyQueueTest, ASyncAsksEveryShardThatWasTold) {
  tell(0);
  tell(2);
  queue_.say("said");
  const auto here = sent_to(0);
  const auto there = sent_to(2);
  ASSERT_EQ(here.size(), 2u);
  ASSERT_EQ(there.size(), 2u);
  EXPECT_TRUE(sent_to(1).empty());
  queue_.synced(there[1].token);
  EXPECT_EQ(output(), "");
  queue_.synced(here[1].token);
  EXPECT_EQ(output(), "said");
}

TEST_F(ReplyQueueTest, AnAskIsASyncOfItsOwnShard) {
  tell(1);
  const std::uint64_t token = ask(1);
  EXPECT_EQ(sent_to(1).size(), 2u);  // no kind_sync
  resolve(token, "answer");
  EXPECT_EQ(output(), "answer");
}

TEST_F(ReplyQueueTest, AnAskWaitsForTheOtherShardsThatWereTold) {
  tell(2);
  const std::uint64_t token = ask(1);
  const auto sent = sent_to(2);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].kind, kind_sync);
  EXPECT_EQ(sent[1].token, token);
  resolve(token, "answer");
  EXPECT_EQ(output(), "");
  queue_.insert(token, "objection ");
  queue_.synced(token);
  EXPECT_EQ(output(), "objection answer");
}

TEST_F(ReplyQueueTest, AnObjectionStandsWhereItsRequestStood) {
  const std::uint64_t first = ask(1);
  const std::uint64_t told = tell(1);
  const std::uint64_t second = ask(1);
  const std::uint64_t told_last = tell(1);
  queue_.insert(told_last, "no, last. ");
  queue_.insert(told, "no. ");
  resolve(first, "first. ");
  EXPECT_EQ(output(), "first. no. ");
  resolve(second, "second. ");
  EXPECT_EQ(output(), "second. no, last. ");
}

TEST_F(ReplyQueueTest, ObjectionsOfOneShardKeepTheirOrder) {
  const std::uint64_t first = ask(2);
  const std::uint64_t told = tell(1);
  EXPECT_EQ(tell(1), told);  // both in front of the next place
  queue_.insert(told, "1");
  queue_.insert(told, "2");
  resolve(first, "0");
  EXPECT_EQ(output(), "012");
}

TEST_F(ReplyQueueTest, AnObjectionWithNothingBeforeItGoesOutAtOnce) {
  const std::uint64_t told = tell(1);
  queue_.insert(told, "no");
  EXPECT_EQ(output(), "no");
}

TEST_F(ReplyQueueTest, ABarrierIsPassedOnceSilentRequestsAreBeyondObjecting) {
  queue_.barrier();
  EXPECT_TRUE(queue_.empty());  // nothing to wait for
  tell(1);
  queue_.barrier();
  EXPECT_FALSE(queue_.empty());
  queue_.insert(0, "no");
  queue_.synced(0);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(output(), "no");
}

TEST_F(ReplyQueueTest, ABarrierBehindAnAskWaitsForBoth) {
  const std::uint64_t first = ask(1);
  const std::uint64_t told = tell(2);
  queue_.barrier();
  const auto sent = sent_to(2);
  ASSERT_EQ(sent.size(), 2u);
  resolve(first, "1");
  EXPECT_FALSE(queue_.empty());
  queue_.insert(told, "no");
  queue_.synced(sent[1].token);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(output(), "1no");
}

// A peer that fills the queue and ends: the barrier of the end comes on top.
TEST_F(ReplyQueueTest, ABarrierMayStandBehindAFullQueue) {
  std::vector<std::uint64_t> tokens;
  while (!queue_.full()) tokens.push_back(ask(1));
  const std::uint64_t told = tell(2);
  queue_.barrier();
  const auto sent = sent_to(2);
  ASSERT_EQ(sent.size(), 2u);
  for (const std::uint64_t token : tokens) resolve(token, "a");
  EXPECT_FALSE(queue_.empty());
  queue_.insert(told, "no");
  queue_.synced(sent[1].token);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(output(), "aaaaaaaano");
}

TEST_F(ReplyQueueTest, OneAnswerMayServeManyRequestsInARow) {
  const std::uint64_t first = ask(1);
  const std::uint64_t second = queue_.ask(actor(1), kind_question, 3).token;
  EXPECT_EQ(second, first + 1);
  EXPECT_EQ(queue_.size(), 4u);
  resolve(second, "b");
  EXPECT_EQ(queue_.size(), 4u);
  resolve(first, "a");
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(output(), "abbb");

  const std::string large(5000, 'x');
  resolve(queue_.ask(actor(1), kind_question, 3).token, large);
  EXPECT_EQ(output(), large + large + large);
}

TEST_F(ReplyQueueTest, ItIsFullAtItsBoundAndGoesOnWhenAnAnswerCame) {
  std::vector<std::uint64_t> tokens;
  for (int i = 0; i < 8; ++i) {
    EXPECT_FALSE(queue_.full());
    tokens.push_back(ask(1));
  }
  EXPECT_TRUE(queue_.full());
  resolve(tokens[1], "b");
  EXPECT_TRUE(queue_.full());  // the first still waits
  resolve(tokens[0], "a");
  EXPECT_EQ(queue_.size(), 6u);
}

class LongReplyQueueTest : public ReplyQueueTest {
 protected:
  LongReplyQueueTest() : ReplyQueueTest(5000) {}
};

TEST_F(LongReplyQueueTest, ItGrowsAsFarAsItMustWhereverItsFrontIs) {
  std::deque<std::uint64_t> tokens;
  std::string expected;
  std::string got;
  for (int i = 0; i < 4000; ++i) {
    tokens.push_back(ask(1));
    expected += static_cast<char>('a' + i % 26);
    if (i % 3 != 0) continue;  // the front moves on while it grows
    resolve(tokens.front(), Bytes(expected).substr(got.size(), 1));
    tokens.pop_front();
    got += output();
  }
  EXPECT_EQ(queue_.size(), tokens.size());
  while (!tokens.empty()) {  // the rest from behind, all but the first
    const std::uint64_t token = tokens.size() > 1 ? tokens.back() : tokens.front();
    resolve(token, Bytes(expected).substr(token, 1));
    if (tokens.size() > 1) {
      EXPECT_EQ(output(), "");
    }
    tokens.pop_back();
  }
  got += output();
  EXPECT_EQ(got, expected);
  EXPECT_EQ(world_.buffers.taken_bytes(), 0u);
}

TEST_F(ReplyQueueTest, ClearReleasesWhatWaited) {
  const std::uint64_t first = ask(1);
  const std::uint64_t second = ask(1);
  resolve(second, std::string(5000, 'x'));
  (void)first;
  queue_.clear();
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(world_.buffers.taken_bytes(), 0u);
}

// Requests of all kinds on one side; on the other, actors of three shards that answer in FIFO order
// each, but interleave as chance has it. The peer must read what the requests call for, in their
// order.
class ReplyQueueModel : public ReplyQueueTest {
 protected:
  ReplyQueueModel() : ReplyQueueTest(64) {
    for (int i = 0; i < 10'000; ++i) texts_.push_back("<" + std::to_string(i) + ">");
  }

  void run(std::uint64_t seed) {
    Prng prng(seed);
    for (int step = 0; step < 3000; ++step) {
      if (prng.below(100) < 55) {
        if (!queue_.full()) request(prng);
      } else {
        answer_one(prng);
      }
      got_ += output();
      ASSERT_EQ(got_, expected_.substr(0, got_.size()));
    }
    queue_.barrier();
    while (answers_waiting()) answer_one(prng);
    got_ += output();
    EXPECT_EQ(got_, expected_);
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(world_.buffers.taken_bytes(), 0u);
  }

 private:
  const std::string& next_text() { return texts_[next_++]; }

  void request(Prng& prng) {
    const auto shard = static_cast<std::uint32_t>(prng.below(3));
    switch (prng.below(4)) {
      case 0: {
        const std::string& text = next_text();
        told_to_ = no_shard;
        queue_.say(text);
        expected_ += text;
        return;
      }
      case 1: {
        told_to_ = no_shard;
        queue_.ask(actor(shard), kind_question).value = next_;
        expected_ += next_text();
        return;
      }
      default: {
        // Who tells several shards puts a barrier between (see the header).
        if (told_to_ != no_shard && told_to_ != shard) {
          queue_.barrier();
          told_to_ = no_shard;
          if (queue_.full()) return;
        }
        told_to_ = shard;
        const bool objects = prng.one_in(3);
        Message& message = queue_.tell(actor(shard), kind_silent);
        message.value = objects ? next_ : UINT32_MAX;
        if (objects) expected_ += next_text();
        return;
      }
    }
  }

  bool answers_waiting() const {
    for (std::uint32_t shard = 0; shard < 3; ++shard) {
      if (!world_.post.queue(shard).empty()) return true;
    }
    return false;
  }

  void answer_one(Prng& prng) {
    MessageQueue& queue = world_.post.queue(static_cast<std::uint32_t>(prng.below(3)));
    if (queue.empty()) return;
    const Message message = queue.items().front();
    queue.pop(1);
    switch (message.kind) {
      case kind_sync:
        return queue_.synced(message.token);
      case kind_question:
        if (prng.one_in(2)) return queue_.resolve(message.token, Bytes(texts_[message.value]));
        return resolve(message.token, texts_[message.value]);
      default:
        if (message.value != UINT32_MAX) queue_.insert(message.token, texts_[message.value]);
    }
  }

  static constexpr std::uint32_t no_shard = UINT32_MAX;

  std::deque<std::string> texts_;
  std::uint32_t next_ = 0;
  std::uint32_t told_to_ = no_shard;  // since the last place
  std::string expected_;
  std::string got_;
};

class ReplyQueueSeeds : public ReplyQueueModel, public ::testing::WithParamInterface<int> {};

TEST_P(ReplyQueueSeeds, AnswersComeInRequestOrderWhateverTheOrderOfArrival) {
  run(static_cast<std::uint64_t>(GetParam()));
}
INSTANTIATE_TEST_SUITE_P(Seeds, ReplyQueueSeeds, ::testing::Range(1, 41));

}  // namespace
}  // namespace ringpost::engine
