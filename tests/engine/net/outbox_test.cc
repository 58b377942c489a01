#include "engine/net/outbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/net/fan_out_log.h"
#include "tests/engine/net/test_link.h"

namespace ringpost::engine {
namespace {

constexpr std::uint64_t no_share = UINT64_MAX;  // logs without a bound per turn

std::string content_of(const SendRequest& request) {
  std::string content;
  for (std::uint32_t i = 0; i < request.part_count; ++i) {
    content.append(static_cast<const char*>(request.parts[i].iov_base), request.parts[i].iov_len);
  }
  return content;
}

TEST(Outbox, WritesOfATurnAreOnePart) {
  LinkWorld world;
  TestLink link(world);
  link.write("one ");
  link.write(world.payloads.make("two "));
  char* const room = link.reserve(100);
  std::memcpy(room, "three", 5);
  link.commit(5);
  SendRequest request;
  EXPECT_EQ(link.out().gather(request, 1000), 13u);
  EXPECT_EQ(request.part_count, 1u);
  EXPECT_EQ(content_of(request), "one two three");
  EXPECT_EQ(link.touched, 1);
}

TEST(Outbox, AnAnswerAtATimeTakesTheSmallestBlockAndGivesItBack) {
  LinkWorld world;
  TestLink link(world);
  link.write("short");
  EXPECT_EQ(world.buffers.taken_bytes(), BufferPool::class_bytes[0]);
  EXPECT_EQ(link.take_output(), "short");
  EXPECT_EQ(world.buffers.taken_bytes(), 0u);
}

TEST(Outbox, ALargePayloadIsSentFromWhereItLies) {
  LinkWorld world;
  TestLink link(world);
  const std::string text(Outbox::payload_copy_bytes_max + 1, 'p');
  const Payload payload = world.payloads.make(text);
  link.write(payload.share());
  SendRequest request;
  EXPECT_EQ(link.out().gather(request, 1 << 20), text.size());
  EXPECT_EQ(request.parts[0].iov_base, payload.bytes().data());
}

TEST(Outbox, GatherTakesAtMostSixtyFourPartsAndTheRestNextTime) {
  LinkWorld world;
  TestLink link(world);
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string text(2000, static_cast<char>('a' + i % 26));
    link.write(world.payloads.make(text));
    expected += text;
  }
  SendRequest request;
  EXPECT_EQ(link.out().gather(request, 1 << 20), 64u * 2000);
  EXPECT_EQ(request.part_count, 64u);
  EXPECT_EQ(link.take_output(), expected);
}

TEST(Outbox, GatherStopsAtItsBytesInTheMiddleOfAPart) {
  LinkWorld world;
  TestLink link(world);
  link.write("0123456789");
  link.write(world.payloads.make(std::string(5000, 'x')));
  SendRequest request;
  EXPECT_EQ(link.out().gather(request, 4), 4u);
  EXPECT_EQ(content_of(request), "0123");
  EXPECT_EQ(link.out().gather(request, 12), 12u);
  EXPECT_EQ(content_of(request), "0123456789xx");
}

TEST(Outbox, ALogRangeOverManySegmentsKeepsToThePartsLimit) {
  LinkWorld world;
  FanOutLog log(world.turn, no_share);
  Follower follower;
  TestLink link(world);
  link.follow(follower, log);
  Prng prng(7);
  const std::string text = random_text(prng, 3'000'000);  // some 90 segments
  for (std::size_t at = 0; at < text.size(); at += 60'000) {
    log.append(world.payloads.make(Bytes(text).substr(at, 60'000)), ActorRef());
  }
  SendRequest request;
  const std::size_t first = link.out().gather(request, 1 << 22);
  EXPECT_EQ(request.part_count, SendRequest::parts_max);
  EXPECT_LT(first, text.size());
  EXPECT_EQ(content_of(request), text.substr(0, first));
  EXPECT_TRUE(link.take_output() == text);
  link.unfollow();
}

TEST(Outbox, BytesOfALogStandWhereTheyCameToBe) {
  LinkWorld world;
  FanOutLog log(world.turn, no_share);
  Follower follower;
  TestLink link(world);
  log.append(world.payloads.make("before "), ActorRef());
  link.follow(follower, log);
  link.write("one ");
  log.append(world.payloads.make("two "), ActorRef());
  log.append(world.payloads.make("three "), ActorRef());
  link.write("four ");
  log.append(world.payloads.make("own "), link.self());
  log.append(world.payloads.make("five"), ActorRef());
  EXPECT_EQ(link.take_output(), "one two three four five");
  link.unfollow();
}

TEST(Outbox, LeavingALogSendsWhatWasAppendedUntilThen) {
  LinkWorld world;
  FanOutLog log(world.turn, no_share);
  Follower follower;
  TestLink link(world);
  link.follow(follower, log);
  log.append(world.payloads.make("still "), ActorRef());
  link.unfollow();
  EXPECT_TRUE(log.followers().empty());
  log.append(world.payloads.make("not any more"), ActorRef());
  EXPECT_EQ(link.take_output(), "still ");
}

}  // namespace
}  // namespace ringpost::engine
