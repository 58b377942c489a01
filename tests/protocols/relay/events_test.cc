// What subscribers hear of what is published, and in which order: exchanges and branches.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/protocols/relay/relay_suite.h"

namespace ringpost::relay {
namespace {

class RelayEvents : public RelaySuite {};

INSTANTIATE_TEST_SUITE_P(Shards, RelayEvents, ::testing::Values(1u, 2u, 4u));

// WS-10, WS-14, WS-15, and rows 50 and 51 of the checklist
TEST_P(RelayEvents, ASubscriberGetsItsTopicsEvents) {
  Client& client = subscribe(register_user());
  publish("tech", "are awesome");
  EXPECT_EQ(client.read(), "\x81\x0b"s + "are awesome");
  publish("cats", "no");
  EXPECT_EQ(client.read(), "");
  publish("tech", "");
  EXPECT_EQ(client.read(), "\x81\0"s);
}

// Row 52
TEST_P(RelayEvents, AnEventMayBeForOneUser) {
  std::vector<Client*> clients;
  for (const char* user : {"1", "1", "2"}) clients.push_back(&subscribe(register_user(user)));
  const auto receivers = [&](const std::string& user) {
    publish("tech", "x", user);
    std::size_t count = 0;
    for (Client* client : clients) {
      if (!client->read().empty()) ++count;
    }
    return count;
  };
  EXPECT_EQ(receivers("1"), 2u);
  EXPECT_EQ(receivers("null"), 3u);
  EXPECT_EQ(receivers(""), 3u);
  EXPECT_EQ(receivers("9"), 0u);
}

// WS-21, WS-24, row 53: what is published once the Pong was seen goes by the new topics.
TEST_P(RelayEvents, APongProvesThatTheTopicsAreActive) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    start(seed);
    Client& client = subscribe(register_user());
    client.send(text_frame(R"({"topics":["cats","dogs","cats"]})") + frame(Opcode::ping, "hi"));
    while (client.read() != "\x8a\x02hi") ASSERT_TRUE(world_->step());
    publish("tech", "old");
    publish("cats", "one");
    publish("dogs", "two");
    ASSERT_EQ(frames_of(client.read()), (Events{"text one", "text two"})) << "seed " << seed;
    client.send(text_frame(R"({"topics":[]})") + frame(Opcode::ping, ""));
    world_->settle();
    client.read();
    publish("cats", "three");
    ASSERT_EQ(client.read(), "");
  }
}

// What is published once the 101 was seen is received.
TEST_P(RelayEvents, TheUpgradeProvesThatTheSubscriberIsThere) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    start(seed);
    const std::string id = register_user();
    Client& client = connect();
    client.send(upgrade_request(id));
    std::string output;
    while (output.empty()) {
      ASSERT_TRUE(world_->step());
      output = client.read();
    }
    EXPECT_TRUE(output.ends_with("\r\n\r\n"));
    publish("tech", "x");
    ASSERT_EQ(frames_of(client.read()), Events{"text x"}) << "seed " << seed;
  }
}

// WS-17, row 59: publishers at once, subscribers that come and go, one order.
TEST_P(RelayEvents, EverybodySeesOneOrder) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    start(seed);
    std::vector<Client*> subscribers;
    for (int i = 0; i < 8; ++i) subscribers.push_back(&subscribe(register_user()));
    std::vector<Client*> publishers;
    for (int i = 0; i < 4; ++i) publishers.push_back(&connect());
    for (int n = 0; n < 20; ++n) {
      for (std::size_t p = 0; p < publishers.size(); ++p) {
        publishers[p]->send(publish_request("tech", std::to_string(p) + "-" + std::to_string(n)));
        for (std::uint64_t i = world_->prng().below(6); i > 0; --i) world_->step();
      }
    }
    world_->settle();
    const Events first = frames_of(subscribers[0]->read());
    ASSERT_EQ(first.size(), 80u);
    for (std::size_t i = 1; i < subscribers.size(); ++i) {
      ASSERT_EQ(frames_of(subscribers[i]->read()), first) << "seed " << seed;
    }
    std::map<char, int> next;  // each publisher's own order
    for (const std::string& event : first) {
      ASSERT_EQ(std::stoi(event.substr(7)), next[event[5]]++) << event;
    }
    for (Client* publisher : publishers) {
      std::string output = publisher->read();
      for (int n = 0; n < 20; ++n) EXPECT_EQ(take_response(output).status, 200);
    }
  }
}

class RelayEventsOfLittle : public RelaySuite {
 protected:
  static WorldOptions little() {
    WorldOptions options;
    options.session.pending_bytes_max = 1000;
    options.session.topics_max = 2;
    options.session.topic_bytes_max = 4;
    return options;
  }
  RelayEventsOfLittle() : RelaySuite(little()) {}
};

INSTANTIATE_TEST_SUITE_P(Shards, RelayEventsOfLittle, ::testing::Values(1u, 2u));

// WS-30, row 60
TEST_P(RelayEventsOfLittle, WhoDoesNotReadIsToldToComeBackAlone) {
  Client& slow = subscribe(register_user());
  Client& other = subscribe(register_user());
  const std::string message(100, 'm');
  for (int i = 0; i < 20; ++i) {
    publish("tech", message);
    EXPECT_EQ(frames_of(other.read()), Events{"text " + message});
  }
  EXPECT_EQ(slow.link.goodbye, CloseReason::slow_consumer);
  EXPECT_EQ(other.link.goodbye, CloseReason::none);
  const std::string output = slow.read();
  EXPECT_LT(output.size(), 1000u + 2 * 102 + 4);
  EXPECT_TRUE(output.ends_with("\x88\x02\x03\xf5"));
}

TEST_P(RelayEventsOfLittle, NoMoreTopicsThanMayBe) {
  Client& client = subscribe(register_user());
  client.send(text_frame(R"({"topics":["a","b","c"]})"));
  client.send(text_frame(R"({"topics":["abcde"]})"));
  world_->settle();
  EXPECT_EQ(total(&engine::Counters::limit_topics), 2u);
  publish("tech", "still");
  EXPECT_EQ(frames_of(client.read()), Events{"text still"});
}

}  // namespace
}  // namespace ringpost::relay
