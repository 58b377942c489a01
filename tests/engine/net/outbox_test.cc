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

TEST(Outbox, ABlockIsSentFromWhereItLiesAndGivenBack) {
  LinkWorld world;
  TestLink link(world);
  Block* block = world.buffers.take(10'000);
  std::memset(block->data(), 'b', 10'000);
  link.write_block(block, 100, 9'000);
  SendRequest request;
  EXPECT_EQ(link.out().gather(request, 1 << 20), 9'000u);
  EXPECT_EQ(request.parts[0].iov_base, block->data() + 100);
  EXPECT_EQ(link.touched, 1);
  EXPECT_EQ(link.take_output(), std::string(9'000, 'b'));
  EXPECT_EQ(world.buffers.taken_bytes(), 0u);
}

TEST(Outbox, WhatIsWrittenBehindABlockStandsBehindItsBytes) {
  LinkWorld world;
  TestLink link(world);
  link.write("before ");
  Block* block = world.buffers.take(4'000);
  std::memset(block->data(), 'b', 4'000);
  link.write_block(block, 0, 2'000);  // has room behind its bytes
  link.write(" after");
  EXPECT_EQ(link.take_output(), "before " + std::string(2'000, 'b') + " after");
}

TEST(Outbox, FewBytesOfABlockAreCopiedAndTheBlockIsFreeAtOnce) {
  LinkWorld world;
  TestLink link(world);
  link.write("one ");
  const std::size_t taken = world.buffers.taken_bytes();
  Block* block = world.buffers.take(100'000);
  std::memcpy(block->data() + 7, "two", 3);
  link.write_block(block, 7, 3);
  link.write_block(world.buffers.take(100'000), 0, 0);
  EXPECT_EQ(world.buffers.taken_bytes(), taken);
  SendRequest request;
  EXPECT_EQ(link.out().gather(request, 1'000), 7u);
  EXPECT_EQ(request.part_count, 1u);
  EXPECT_EQ(content_of(request), "one two");
}

TEST(Outbox, ABlockTakesItsPlaceBehindAFollowedLog) {
  LinkWorld world;
  FanOutLog log(world.turn, no_share);
  Follower follower;
  TestLink link(world);
  link.follow(follower, log);
  log.append(world.payloads.make("log "), ActorRef());
  Block* block = world.buffers.take(2'000);
  std::memset(block->data(), 'b', 2'000);
  link.write_block(block, 0, 2'000);
  log.append(world.payloads.make(" log"), ActorRef());
  EXPECT_EQ(link.take_output(), "log " + std::string(2'000, 'b') + " log");
  link.unfollow();
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

// A connection whose peer is gone clears its outbox at every flush, and may still follow a log for
// as long as its input is being handled. It must not pin the log, nor count as full.
TEST(Outbox, ClearDropsWhatIsFollowedToo) {
  LinkWorld world;
  FanOutLog log(world.turn, no_share);
  Follower follower;
  TestLink link(world);
  link.follow(follower, log);
  link.write("mine");
  for (int i = 0; i < 100; ++i) {
    log.append(world.payloads.make(std::string(10'000, 'x')), ActorRef());
    link.out().clear();
    EXPECT_TRUE(link.out().empty());
  }
  EXPECT_LE(log.held_bytes(), 32768u);
  EXPECT_LE(world.buffers.taken_bytes(), 2u * 32768);
  log.append(world.payloads.make("later"), ActorRef());
  EXPECT_EQ(link.take_output(), "later");
  link.unfollow();
}

// Random writes, follows and sends against a plain string. What a send in flight lists must neither
// move nor change, whatever is written behind it.
class OutboxModel {
 public:
  explicit OutboxModel(std::uint64_t seed) : prng_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      ASSERT_EQ(link_.out().bytes(), expected_.size());
      ASSERT_EQ(link_.out().empty(), expected_.empty());
    }
    finish();
  }

 private:
  void step() {
    switch (prng_.below(11)) {
      case 0:
      case 1:
        return write();
      case 2:
        return write_payload();
      case 3:
        return write_in_place();
      case 4:
        return append(false);
      case 5:
        return append(true);
      case 6:
        return change_log();
      case 7:
        return begin_send();
      case 8:
        return end_send();
      case 9:
        return write_block();
      case 10:
        if (!sending_ && prng_.one_in(20)) clear();
        return;
    }
  }

  std::size_t random_bytes() {
    if (prng_.one_in(30)) return prng_.below(60'000);
    if (prng_.one_in(5)) return prng_.below(4'000);
    return prng_.below(60);
  }

  void write() {
    const std::string text = random_text(prng_, random_bytes());
    link_.write(text);
    expected_ += text;
  }
  void write_payload() {
    const std::string text = random_text(prng_, random_bytes());
    const auto times = static_cast<std::uint32_t>(prng_.one_in(4) ? prng_.below(4) : 1);
    link_.write(world_.payloads.make(text), times);
    for (std::uint32_t i = 0; i < times; ++i) expected_ += text;
  }
  void write_in_place() {
    const std::size_t room = 1 + prng_.below(Outbox::reserve_bytes_max);
    const std::string text = random_text(prng_, 1 + prng_.below(room));
    std::memcpy(link_.reserve(room), text.data(), text.size());
    link_.commit(text.size());
    expected_ += text;
  }
  void write_block() {
    const std::string text = random_text(prng_, random_bytes());
    const auto offset = static_cast<std::uint32_t>(prng_.below(100));
    Block* block = world_.buffers.take(offset + text.size());
    std::memcpy(block->data() + offset, text.data(), text.size());
    link_.write_block(block, offset, text.size());
    expected_ += text;
  }
  void append(bool own) {
    FanOutLog& log = logs_[prng_.below(2)];
    const std::string text = random_text(prng_, random_bytes());
    log.append(world_.payloads.make(text), own ? link_.self() : ActorRef());
    if (&log == followed_ && !own) expected_ += text;
  }
  void change_log() {
    link_.unfollow();
    followed_ = nullptr;
    if (prng_.one_in(4)) return;
    followed_ = &logs_[prng_.below(2)];
    link_.follow(follower_, *followed_);
  }
  void begin_send() {
    if (sending_) return;
    const std::size_t bytes_max = 1 + random_bytes() * 3;
    const std::size_t bytes = link_.out().gather(request_, bytes_max);
    if (request_.part_count < SendRequest::parts_max) {
      ASSERT_EQ(bytes, std::min(bytes_max, expected_.size()));
    }
    ASSERT_EQ(bytes, request_.bytes);
    ASSERT_LE(request_.part_count, SendRequest::parts_max);
    if (bytes == 0) return;
    ASSERT_TRUE(content_of(request_) == expected_.substr(0, bytes));
    for (std::uint32_t i = 0; i < request_.part_count; ++i) {
      world_.kernel_owned.note(request_.parts[i].iov_base, request_.parts[i].iov_len);
    }
    sending_ = true;
  }
  void end_send() {
    if (!sending_) return;
    ASSERT_TRUE(content_of(request_) == expected_.substr(0, request_.bytes));
    for (std::uint32_t i = 0; i < request_.part_count; ++i) {
      world_.kernel_owned.forget(request_.parts[i].iov_base, request_.parts[i].iov_len);
    }
    sending_ = false;
    const std::size_t sent = prng_.one_in(4) ? prng_.below(request_.bytes + 1) : request_.bytes;
    link_.out().consume(sent);
    expected_.erase(0, sent);
  }
  void clear() {
    link_.out().clear();
    expected_.clear();
  }

  void finish() {
    end_send();
    link_.unfollow();
    EXPECT_TRUE(link_.take_output() == expected_);
    EXPECT_TRUE(link_.out().empty());
    EXPECT_EQ(world_.kernel_owned.count(), 0u);
    // Each log keeps its last segment, and nothing else is held.
    EXPECT_EQ(world_.buffers.taken_bytes(), 2u * 32768);
  }

  Prng prng_;
  LinkWorld world_;
  FanOutLog logs_[2] = {{world_.turn, no_share}, {world_.turn, no_share}};
  Follower follower_;
  TestLink link_{world_};
  FanOutLog* followed_ = nullptr;
  SendRequest request_;
  bool sending_ = false;
  std::string expected_;
};

TEST(Outbox, AgreesWithAStringUnderRandomUse) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    OutboxModel(seed).run(1500);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

}  // namespace
}  // namespace ringpost::engine
