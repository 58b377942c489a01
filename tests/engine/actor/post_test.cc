#include "engine/actor/post.h"

#include <gtest/gtest.h>

#include <deque>

#include "engine/base/prng.h"

namespace ringpost::engine {
namespace {

TEST(MessageQueue, KeepsOrderWhateverIsPushedAndPopped) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    MessageQueue queue;
    std::deque<std::uint64_t> model;
    std::uint64_t next = 0;
    for (int step = 0; step < 3000; ++step) {
      // Times of growth and times of emptying.
      const std::uint64_t pushes = prng.below((step / 300) % 2 == 0 ? 9 : 3);
      for (std::uint64_t i = 0; i < pushes; ++i) {
        queue.push().token = next;
        model.push_back(next++);
      }
      const std::size_t pops = prng.below(6);
      for (std::size_t i = 0; i < pops && !model.empty(); ++i) model.pop_front();
      queue.pop(std::min(pops, queue.size()));
      ASSERT_EQ(queue.size(), model.size());
      ASSERT_EQ(queue.empty(), model.empty());
      if (model.empty()) continue;
      ASSERT_EQ(queue.items().front().token, model.front());
      ASSERT_EQ(queue.items().back().token, model.back());
    }
    const auto items = queue.items();
    for (std::size_t i = 0; i < items.size(); ++i) ASSERT_EQ(items[i].token, model[i]);
  }
}

// A spill that is fed and emptied at the same pace must not grow for ever.
TEST(MessageQueue, SlidesRatherThanGrows) {
  MessageQueue queue;
  for (std::uint64_t i = 0; i < 100; ++i) queue.push().token = i;
  const Message* first = queue.items().data();
  const Message* lowest = first;
  const Message* highest = first;
  for (std::uint64_t i = 100; i < 100'000; ++i) {
    queue.push().token = i;
    queue.pop(1);
    ASSERT_EQ(queue.items().front().token, i - 99);
    lowest = std::min(lowest, queue.items().data());
    highest = std::max(highest, queue.items().data());
  }
  EXPECT_EQ(lowest, first);
  EXPECT_LT(highest - lowest, 256);
}

TEST(MessageQueue, CountsWhatLeftIt) {
  MessageQueue queue;
  for (int i = 0; i < 5; ++i) queue.push();
  queue.pop(2);
  EXPECT_EQ(queue.popped(), 2u);
  queue.clear();
  queue.push();
  EXPECT_EQ(queue.popped(), 5u);
}

TEST(MessageQueue, ClearEmptiesIt) {
  MessageQueue queue;
  queue.push();
  queue.push();
  queue.clear();
  EXPECT_TRUE(queue.empty());
  queue.push().token = 5;
  EXPECT_EQ(queue.items().front().token, 5u);
}

class PostTest : public ::testing::Test {
 protected:
  const Message& last_to(std::uint32_t shard) { return post_.queue(shard).items().back(); }

  Post post_{1, 3};
  ActorRef self_ = ActorRef::session(1, 4, 2);
  ActorRef actor_ = ActorRef::actor(2, 7, 1);
};

TEST_F(PostTest, ATellStartsCleanInTheQueueOfItsShard) {
  // The slot was used before.
  Message& used = post_.tell(actor_, self_, 99);
  used.token = 1;
  used.length = 2;
  used.value = 3;
  used.is_ask = true;
  used.holds = Holds::descriptor;
  post_.queue(2).clear();

  post_.tell(actor_, self_, 70);
  const Message& message = last_to(2);
  EXPECT_EQ(message.to, actor_);
  EXPECT_EQ(message.from, self_);
  EXPECT_EQ(message.kind, 70);
  EXPECT_EQ(message.token, 0u);
  EXPECT_EQ(message.length, 0);
  EXPECT_EQ(message.value, 0u);
  EXPECT_EQ(message.holds, Holds::nothing);
  EXPECT_FALSE(message.is_ask);
  EXPECT_TRUE(post_.queue(0).empty());
  EXPECT_TRUE(post_.queue(1).empty());
}

TEST_F(PostTest, AnAnswerGoesBackWithTheTokenOfItsQuestion) {
  post_.ask(actor_, self_, 70, 1234);
  const Message question = last_to(2);
  EXPECT_TRUE(question.is_ask);
  Post there(2, 3);
  there.answer(question, 71);
  const Message& answer = there.queue(1).items().back();
  EXPECT_EQ(answer.to, self_);
  EXPECT_EQ(answer.from, actor_);
  EXPECT_EQ(answer.kind, 71);
  EXPECT_EQ(answer.token, 1234u);
  EXPECT_FALSE(answer.is_ask);
}

TEST_F(PostTest, CongestionIsWhatTheLoopSaysItIs) {
  EXPECT_FALSE(post_.congested());
  post_.set_full(1, true);
  post_.set_full(2, true);
  post_.set_full(1, false);
  EXPECT_TRUE(post_.congested());
  EXPECT_FALSE(post_.full(1));
  EXPECT_TRUE(post_.full(2));
  post_.set_full(2, false);
  EXPECT_FALSE(post_.congested());
}

TEST_F(PostTest, AQueueIsFullFromThePushThatReachesItsMark) {
  for (const std::size_t mark : {1u, 2u, 3u, 255u, 256u, 257u, 300u, 1000u}) {
    SCOPED_TRACE(mark);
    post_.queue(2).set_mark(mark);
    for (int lap = 0; lap < 3; ++lap) {
      for (std::size_t size = 1; size <= 2 * mark; ++size) {
        post_.tell(actor_, self_, 70);
        ASSERT_EQ(post_.full(2), size >= mark) << size;
      }
      post_.queue(2).clear();
      post_.set_full(2, false);
    }
  }
  EXPECT_FALSE(post_.full(0));
}

// Wherever the messages stand in their memory.
TEST_F(PostTest, AQueueThatWasPartlyPoppedIsFullAtItsMarkToo) {
  constexpr std::size_t mark = 100;
  Prng prng(7);
  MessageQueue& queue = post_.queue(2);
  queue.set_mark(mark);
  for (int i = 0; i < 10'000; ++i) {
    post_.set_full(2, queue.size() >= mark);
    for (std::uint64_t pushes = prng.below(80); pushes > 0; --pushes) {
      post_.tell(actor_, self_, 70);
      ASSERT_EQ(post_.full(2), queue.size() >= mark) << queue.size();
    }
    queue.pop(std::min<std::size_t>(prng.below(90), queue.size()));
  }
}

}  // namespace
}  // namespace ringpost::engine
