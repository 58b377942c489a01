#include "tools/loadgen/chat_talk.h"

#include <gtest/gtest.h>

#include "tests/tools/loadgen/conversation.h"
#include "tools/loadgen/message_writer.h"

namespace ringpost::loadgen {
namespace {

const Script script = make_text_script({8, 20}, Wrapping::crlf, 1);

// The `sequence`th line of a sender, as the others hear it.
std::string heard(std::uint64_t sender, std::uint64_t sequence) {
  const std::uint64_t message = first_message(script, sender) + sequence;
  return "s00000" + std::to_string(sender) + ": " +
         std::string(script.message(static_cast<std::uint32_t>(message % script.message_count())));
}
const std::string knock = "s000000: is anybody there?\r\n";

struct Listener : Conversation<ChatTalk> {
  Listener() : Conversation(script, 2u, 5u) {}
};

// What is told of `bytes` behind a knock, however they are split.
std::string told_of(const std::string& bytes) {
  Listener whole;
  whole.arrive(knock + bytes);
  whole.talk.finish();
  for (std::size_t split = 0; split < bytes.size(); ++split) {
    Listener parts;
    parts.arrive(knock + bytes.substr(0, split));
    parts.arrive(bytes.substr(split));
    parts.talk.finish();
    EXPECT_EQ(parts.ear.told(), whole.ear.told()) << split;
  }
  return whole.ear.told();
}

TEST(ChatTalk, AListenerIsReadyOnceItHearsSomebody) {
  Listener listener;
  EXPECT_EQ(listener.link.take_output(), "l000005\r\n");
  EXPECT_FALSE(listener.ear.ready);
  listener.arrive("somebody: else\r\n");  // was here before us
  EXPECT_FALSE(listener.ear.ready);
  listener.arrive(knock + knock);
  EXPECT_TRUE(listener.ear.ready);
  EXPECT_EQ(listener.ear.faults.size(), 0u);
}

TEST(ChatTalk, TheFirstSenderKnocks) {
  Conversation<ChatTalk> sender(script, 1u, 0u);
  EXPECT_TRUE(sender.ear.ready);
  sender.talk.poke();
  sender.talk.request(1);
  EXPECT_EQ("s000000: " + sender.link.take_output().substr(9), knock + heard(0, 0).substr(9));
}

TEST(ChatTalk, SendersAreHeardEachInItsOwnOrder) {
  EXPECT_EQ(told_of(heard(0, 0) + heard(1, 0) + heard(1, 1) + heard(0, 1)), "4 heard, 0 missed");
}

TEST(ChatTalk, FaultsAreTold) {
  EXPECT_EQ(told_of(heard(0, 0) + heard(0, 2)), "2 heard, 1 missed, missing 1");
  EXPECT_EQ(told_of(heard(0, 0) + heard(0, 0) + heard(0, 1)), "2 heard, 0 missed, duplicate 0");
  EXPECT_EQ(told_of(heard(0, 1) + heard(0, 0) + heard(0, 2)), "2 heard, 1 missed, out of order 0");
  std::string changed = heard(0, 0) + heard(0, 1);
  changed[heard(0, 0).size() + 10] ^= 1;
  EXPECT_EQ(told_of(changed), "1 heard, 1 missed, wrong bytes 1");
  EXPECT_EQ(told_of(heard(0, 0) + "! error: line too long\r\n"), "1 heard, 0 missed, unexpected 0");
}

}  // namespace
}  // namespace ringpost::loadgen
