// What an echo answers, and what is made of wrong answers: each fault is fed whole, byte by byte
// and at every split point, and must be told alike.

#include "tools/loadgen/echo_talk.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/loadgen/conversation.h"

namespace ringpost::loadgen {
namespace {

// Eight messages of one size and one that a shorter one could be mistaken for nothing else.
const Script script = make_text_script({12, 12}, Wrapping::none, 1);
const Script sizes = make_text_script({4, 40}, Wrapping::length, 1);

struct EchoConversation : Conversation<EchoTalk> {
  explicit EchoConversation(const Script& spoken) : Conversation(spoken, 0u) {}
};

// The replies to the first messages of a script, in this order.
std::string replies_of(const Script& spoken, std::initializer_list<std::uint32_t> numbers) {
  std::string bytes;
  for (const std::uint32_t number : numbers) bytes += spoken.message(number);
  return bytes;
}

// What is told of `bytes`, however they are split; `finish` at the end.
std::string told_of(const Script& spoken, const std::string& bytes) {
  EchoConversation whole(spoken);
  whole.arrive(bytes);
  whole.talk.finish();
  EchoConversation slow(spoken);
  for (const char byte : bytes) slow.arrive({&byte, 1});
  slow.talk.finish();
  EXPECT_EQ(slow.ear.told(), whole.ear.told());
  for (std::size_t split = 0; split < bytes.size(); ++split) {
    EchoConversation parts(spoken);
    parts.arrive(Bytes(bytes).substr(0, split));
    parts.arrive(Bytes(bytes).substr(split));
    parts.talk.finish();
    EXPECT_EQ(parts.ear.told(), whole.ear.told()) << split;
  }
  return whole.ear.told();
}

TEST(EchoTalk, UncheckedRepliesAreCountedByTheirBytes) {
  for (const Script* spoken : {&script, &sizes}) {
    Conversation<EchoTalk> conversation(*spoken, 0u, Check::none);
    const std::string replies(spoken->cycle_bytes(), '?');
    for (std::size_t at = 0; at < replies.size(); at += 1000) {
      conversation.arrive(Bytes(replies).substr(at, 1000));
    }
    conversation.arrive("?");
    conversation.talk.finish();
    EXPECT_EQ(conversation.ear.told(),
              std::to_string(spoken->message_count()) + " right, 0 failed");
  }
}

TEST(EchoTalk, RequestsAreTheScriptOverAndOver) {
  EchoConversation conversation(script);
  EXPECT_TRUE(conversation.ear.ready);
  conversation.talk.request(1);
  conversation.talk.request(script.message_count() - 1);
  conversation.talk.request(3);
  std::string expected(script.run_from(script.begin_of(0)));
  expected += replies_of(script, {0, 1, 2});
  EXPECT_EQ(conversation.link.take_output(), expected);
}

TEST(EchoTalk, NeighboursBeginElsewhere) {
  engine::LinkWorld world;
  engine::TestLink link{world};
  Ear ear;
  EchoTalk first(script, 0), second(script, 1);
  first.open(link, ear);
  second.open(link, ear);
  first.request(1);
  second.request(1);
  const std::string output = link.take_output();
  EXPECT_NE(output.substr(0, 12), output.substr(12));
}

TEST(EchoTalk, RightRepliesAreCountedHoweverTheyAreSplit) {
  EXPECT_EQ(told_of(script, replies_of(script, {0, 1, 2, 3})), "4 right, 0 failed");
  EXPECT_EQ(told_of(sizes, replies_of(sizes, {0, 1, 2, 3})), "4 right, 0 failed");
}

TEST(EchoTalk, OneFlippedBitIsFoundWhereverItIs) {
  for (std::size_t byte = 0; byte < 12; ++byte) {
    std::string bytes = replies_of(script, {0, 1, 2});
    bytes[12 + byte] = static_cast<char>(bytes[12 + byte] ^ 4);
    EXPECT_EQ(told_of(script, bytes), "2 right, 1 failed, wrong bytes 1") << byte;
  }
}

TEST(EchoTalk, AFlippedBitInAFrameIsFoundEvenInItsHeader) {
  for (std::size_t byte = 0; byte < sizes.message(1).size(); ++byte) {
    std::string bytes = replies_of(sizes, {0, 1, 2});
    char& changed = bytes[sizes.message(0).size() + byte];
    changed = static_cast<char>(changed ^ 1);
    EXPECT_EQ(told_of(sizes, bytes), "2 right, 1 failed, wrong bytes 1") << byte;
  }
}

TEST(EchoTalk, ADroppedReplyIsMissing) {
  EXPECT_EQ(told_of(script, replies_of(script, {0, 2, 3})), "3 right, 1 failed, missing 1");
  EXPECT_EQ(told_of(sizes, replies_of(sizes, {0, 2, 3, 4})), "4 right, 1 failed, missing 1");
  EXPECT_EQ(told_of(script, replies_of(script, {0, 4})),
            "2 right, 3 failed, missing 1, missing 2, missing 3");
}

TEST(EchoTalk, ARepeatedReplyIsADuplicate) {
  EXPECT_EQ(told_of(script, replies_of(script, {0, 1, 1, 2})), "3 right, 0 failed, duplicate 1");
  EXPECT_EQ(told_of(sizes, replies_of(sizes, {0, 1, 1, 2})), "3 right, 0 failed, duplicate 1");
}

TEST(EchoTalk, SwappedRepliesAreOutOfOrder) {
  EXPECT_EQ(told_of(script, replies_of(script, {0, 2, 1, 3})), "3 right, 1 failed, out of order 1");
  EXPECT_EQ(told_of(sizes, replies_of(sizes, {0, 2, 1, 3, 4})),
            "4 right, 1 failed, out of order 1");
}

TEST(EchoTalk, NonsenseEndsTheConversation) {
  EXPECT_EQ(told_of(script, replies_of(script, {0}) + std::string(100, '!')),
            "1 right, 1 failed, wrong bytes 1, lost track");
}

TEST(EchoTalk, AWrongBeginningIsToldAtTheEndAtTheLatest) {
  EXPECT_EQ(told_of(script, replies_of(script, {0}) + "!"), "1 right, 0 failed, wrong bytes 1");
}

TEST(EchoTalk, WhatFitsIsCountedByTheLargestMessage) {
  EXPECT_EQ(EchoTalk(script, 0).fitting(35), 2u);
  EXPECT_EQ(EchoTalk(sizes, 0).fitting(35), 0u);
}

}  // namespace
}  // namespace ringpost::loadgen
