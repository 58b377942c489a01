#include "engine/actor/message.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "engine/actor/post.h"

namespace ringpost::engine {
namespace {

TEST(ActorRef, KeepsItsPartsApart) {
  const ActorRef actor = ActorRef::actor(63, ActorRef::slot_max, ActorRef::generation_max);
  EXPECT_EQ(actor.shard(), 63u);
  EXPECT_EQ(actor.slot(), ActorRef::slot_max);
  EXPECT_EQ(actor.generation(), ActorRef::generation_max);
  EXPECT_FALSE(actor.is_session());

  const ActorRef session = ActorRef::session(5, 17, 3);
  EXPECT_EQ(session.shard(), 5u);
  EXPECT_EQ(session.slot(), 17u);
  EXPECT_EQ(session.generation(), 3u);
  EXPECT_TRUE(session.is_session());

  EXPECT_NE(session, ActorRef::actor(5, 17, 3));
  EXPECT_NE(session, ActorRef::session(5, 17, 4));
}

TEST(ActorRef, NobodyIsFalse) {
  EXPECT_FALSE(ActorRef());
  EXPECT_TRUE(ActorRef::actor(0, 0, 1));
}

TEST(Message, IsOneCacheLineWithABodyOfHalf) {
  static_assert(sizeof(Message) == 64 && alignof(Message) == 64);
  static_assert(Message::body_bytes == 32);
}

TEST(Message, ValuesInTheBodyStandAtTheirOffsets) {
  Message message{};
  message.put<std::uint64_t>(0x1122334455667788);
  message.put<std::uint32_t>(99, 28);
  EXPECT_EQ(message.get<std::uint64_t>(), 0x1122334455667788u);
  EXPECT_EQ(message.get<std::uint32_t>(28), 99u);
}

TEST(Message, InlineBytesFillTheWholeBody) {
  Message message{};
  message.put_bytes("0123456789abcdef0123456789abcdef");
  EXPECT_EQ(message.length, 32);
  EXPECT_EQ(message.inline_bytes(), "0123456789abcdef0123456789abcdef");
  message.put_bytes("");
  EXPECT_EQ(message.inline_bytes(), "");
}

std::uint32_t count_of(const Message& message) {
  return message.get<PayloadBlock*>()->count.load();
}

TEST(Message, APayloadMovesInAndOutWithItsCount) {
  PayloadPool pool;
  Payload payload = pool.make("shared");
  Message message{};
  message.put_payload(payload.share());
  EXPECT_EQ(message.holds, Holds::payload);
  EXPECT_EQ(count_of(message), 2u);
  EXPECT_EQ(message.payload_bytes(), "shared");
  EXPECT_EQ(count_of(message), 2u);  // reading takes none
  const Payload taken = take_payload(message);
  EXPECT_EQ(taken.bytes(), "shared");
  payload.reset();
  EXPECT_EQ(count_of(message), 1u);
}

TEST(Message, DisposeDropsAPayload) {
  PayloadPool pool;
  Payload payload = pool.make("shared");
  Message message{};
  message.put_payload(payload.share());
  dispose(message, [](int) { FAIL(); });
  EXPECT_EQ(count_of(message), 1u);
}

TEST(Message, DisposeClosesADescriptor) {
  Message message{};
  message.put(42);
  message.holds = Holds::descriptor;
  std::vector<int> closed;
  dispose(message, [&](int descriptor) { closed.push_back(descriptor); });
  EXPECT_EQ(closed, std::vector<int>{42});
}

struct Tally final : MessageObject {
  Tally(int& destroyed_count, int content) : destroyed(destroyed_count), number(content) {}
  ~Tally() override { ++destroyed; }

  int& destroyed;
  int number;
};

TEST(Message, AnObjectMovesInAndOut) {
  int destroyed = 0;
  Message message{};
  message.put_object(std::make_unique<Tally>(destroyed, 7));
  EXPECT_EQ(message.holds, Holds::object);
  EXPECT_EQ(message.object<Tally>().number, 7);
  const Message copy = message;  // as through a lane
  std::unique_ptr<Tally> taken = take_object<Tally>(copy);
  EXPECT_EQ(taken->number, 7);
  EXPECT_EQ(destroyed, 0);
  taken.reset();
  EXPECT_EQ(destroyed, 1);
}

TEST(Message, DisposeDestroysAnObject) {
  int destroyed = 0;
  Message message{};
  message.put_object(std::make_unique<Tally>(destroyed, 7));
  dispose(message, [](int) { FAIL(); });
  EXPECT_EQ(destroyed, 1);
}

TEST(Message, DisposeOfPlainValuesDoesNothing) {
  Message message{};
  message.put(42);
  dispose(message, [](int) { FAIL(); });
}

// The last count may be dropped on any thread; the block then waits for its owner.
TEST(Message, ABlockIsUsedAgainAfterItsLastMessage) {
  PayloadPool pool;
  Message message{};
  message.put_payload(pool.make("one"));
  const auto* block = message.get<PayloadBlock*>();
  dispose(message, [](int) { FAIL(); });
  Payload next = pool.make("two");
  EXPECT_EQ(next.bytes().data(), block->data());
}

}  // namespace
}  // namespace ringpost::engine
