// A subscriber's frames, what is answered to them, and how a session ends.

#include <gtest/gtest.h>

#include <string>

#include "tests/protocols/relay/relay_suite.h"

namespace ringpost::relay {
namespace {

class RelaySession : public RelaySuite {};

INSTANTIATE_TEST_SUITE_P(Shards, RelaySession, ::testing::Values(1u, 2u, 4u));

// WS-20, WS-22, rows 54 and 55
TEST_P(RelaySession, OtherTextsMeanNothing) {
  Client& client = subscribe(register_user());
  for (const char* text :
       {"ping", "ping\n", "hello", "{\"topics\":1}", "{}", "", "{\"topics\":[1]}"}) {
    client.send(text_frame(text));
    client.send(frame(Opcode::binary, text));
  }
  client.send(frame(Opcode::pong, R"({"topics":["x"]})") +
              frame(Opcode::ping, R"({"topics":["x"]})"));
  world_->settle();
  EXPECT_EQ(frames_of(client.read()), Events{R"(pong {"topics":["x"]})"});
  publish("tech", "still");
  EXPECT_EQ(frames_of(client.read()), Events{"text still"});
}

// Row 62
TEST_P(RelaySession, FragmentsWithAPingBetween) {
  Client& client = subscribe(register_user());
  client.send(frame(Opcode::text, R"({"top)", false));
  client.send(frame(Opcode::ping, "p"));
  world_->settle();
  EXPECT_EQ(frames_of(client.read()), Events{"pong p"});
  client.send(frame(Opcode::continuation, R"(ics":["c)", false));
  client.send(frame(Opcode::continuation, R"(ats"]})"));
  world_->settle();
  publish("tech", "no");
  publish("cats", "yes");
  EXPECT_EQ(frames_of(client.read()), Events{"text yes"});
}

TEST_P(RelaySession, EverySplitOfARequestForTopics) {
  const std::string bytes = text_frame(R"({"topics":["cats"]})") + frame(Opcode::ping, "p");
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    Client& client = subscribe(register_user());
    client.send(bytes.substr(0, at));
    client.send(bytes.substr(at));
    world_->settle();
    EXPECT_EQ(frames_of(client.read()), Events{"pong p"});
    publish("cats", "yes");
    EXPECT_EQ(frames_of(client.read()), Events{"text yes"}) << at;
    client.close();
  }
}

// The answer to a Close that did not wait for the 101 came in front of it.
TEST_P(RelaySession, WhatIsSaidInHasteWaitsForTheUpgrade) {
  Client& client = connect();
  client.send(upgrade_request(register_user()) + frame(Opcode::close, "\x03\xe8"));
  world_->settle();
  std::string output = client.read();
  ASSERT_TRUE(output.starts_with("HTTP/1.1 101 ")) << output;
  take_response(output);
  EXPECT_EQ(frames_of(output), Events{"close \x03\xe8"});
}

// WS-32
TEST_P(RelaySession, ACloseIsAnsweredInKind) {
  for (const std::string& payload : {""s, "\x03\xe8"s,
                                     "\x03\xe8"
                                     "bye"s}) {
    Client& client = subscribe(register_user());
    client.send(frame(Opcode::close, payload) + text_frame("not heard any more"));
    world_->settle();
    const std::string output = client.read();
    EXPECT_EQ(output, "\x88"s + static_cast<char>(payload.size()) + payload);
    EXPECT_EQ(client.link.goodbye, CloseReason::peer_closed);
    client.close(CloseReason::peer_closed);
  }
}

// A Pong that waited for topics came behind the Close.
TEST_P(RelaySession, TheCloseIsTheLastAnswer) {
  Client& client = subscribe(register_user());
  client.send(text_frame(R"({"topics":["cats"]})") + frame(Opcode::ping, "hi") +
              frame(Opcode::close, "\x03\xe8"));
  world_->settle();
  EXPECT_EQ(frames_of(client.read()), (Events{"pong hi", "close \x03\xe8"}));
}

// X2, X3: whatever ends it, the Pongs that waited for topics come first.
TEST_P(RelaySession, TheEndComesBehindThePongs) {
  const std::string asked = text_frame(R"({"topics":["a"]})") + frame(Opcode::ping, "hi");
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    start(seed);
    Client& ended = subscribe(register_user());
    ended.send(asked);
    ended.half_close();
    Client& wrong = subscribe(register_user());
    wrong.send(asked + "\x81\x02hi");
    world_->settle();
    EXPECT_EQ(frames_of(ended.read()), Events{"pong hi"});
    EXPECT_EQ(ended.link.goodbye, CloseReason::peer_closed);
    EXPECT_EQ(frames_of(wrong.read()), (Events{"pong hi", "close \x03\xea"}));
    EXPECT_EQ(wrong.link.goodbye, CloseReason::protocol_error);
    EXPECT_EQ(registrations(), 0u);
  }
}

// WS-32, WS-34, row 61
TEST_P(RelaySession, WrongFramesAreToldWhy) {
  const struct {
    std::string bytes;
    std::string code;
  } rows[] = {
      {"\x81\x02hi", "\x03\xea"},                 // unmasked: 1002
      {frame(Opcode::text, "\xff"), "\x03\xef"},  // 1007
      {frame(Opcode::text, "\xc3"), "\x03\xef"},  // unfinished
      {frame(Opcode::text, "\xc3", false) + frame(Opcode::continuation, "("), "\x03\xef"},
      {"\x81\xff\0\0\0\0\x01\x10\0\0\0\0\0\0"s, "\x03\xf1"},             // 17 MiB: 1009
      {"\xc1\x80\0\0\0\0"s, "\x03\xea"},                                 // a reserved bit
      {frame(Opcode::close, "\x03"), "\x03\xeaProtocol violation"},      // half a code
      {frame(Opcode::close, "\x03\xed"), "\x03\xeaProtocol violation"},  // 1005
  };
  for (const auto& row : rows) {
    const std::string id = register_user();
    Client& client = subscribe(id);
    client.send(row.bytes);
    world_->settle();
    EXPECT_EQ(frames_of(client.read()), Events{"close " + row.code})
        << testing::PrintToString(row.bytes);
    EXPECT_EQ(client.link.goodbye, CloseReason::protocol_error);
    publish("tech", "x");
    EXPECT_EQ(client.read(), "");
    client.close();
    EXPECT_EQ(registrations(), 0u);
  }
}

// Pings find dead peers.
TEST_P(RelaySession, WhoDoesNotAnswerAPingIsGone) {
  Client& client = subscribe(register_user());
  const auto ring = [&] {
    EXPECT_EQ(client.link.timer, client.link.now() + options_.session.ping_interval);
    client.session().on_timer();
  };
  ring();
  EXPECT_EQ(client.read(), "\x89\0"s);
  client.send(frame(Opcode::pong, ""));
  ring();
  EXPECT_EQ(client.link.aborted, CloseReason::none);
  EXPECT_EQ(client.read(), "\x89\0"s);
  ring();
  EXPECT_EQ(client.link.aborted, CloseReason::timed_out);
}

// Who reads slowly had not got the Ping yet, or was not heard itself, and was taken for dead.
TEST_P(RelaySession, WhoReadsSlowlyIsNotGone) {
  Client& client = subscribe(register_user());
  const auto ring = [&] {
    EXPECT_EQ(client.link.timer, client.link.now() + options_.session.ping_interval);
    client.session().on_timer();
  };
  for (int i = 0; i < 3; ++i) ring();
  EXPECT_EQ(client.link.aborted, CloseReason::none);
  EXPECT_EQ(client.read(), "\x89\0"s);  // one is enough
  ring();                               // it has just got it
  EXPECT_EQ(client.link.aborted, CloseReason::none);
  EXPECT_EQ(client.read(), "\x89\0"s);
  ring();
  EXPECT_EQ(client.link.aborted, CloseReason::timed_out);
}

// Its input waits, too, while it does not take its output.
TEST_P(RelaySession, WhoIsPausedIsNotGone) {
  Client& client = subscribe(register_user());
  client.session().on_timer();
  EXPECT_EQ(client.read(), "\x89\0"s);
  client.link.pause();
  client.send(frame(Opcode::pong, ""));
  client.session().on_timer();
  EXPECT_EQ(client.link.aborted, CloseReason::none);
  EXPECT_EQ(client.read(), "");
}

TEST_P(RelaySession, TheLastWordIsThatWeGo) {
  Client& client = subscribe(register_user());
  publish("tech", "last");
  client.session().on_farewell();
  EXPECT_EQ(client.read(),
            "\x81\x04"
            "last"
            "\x88\x02\x03\xe9");
}

class RelaySessionOfLittle : public RelaySuite {
 protected:
  static WorldOptions little() {
    WorldOptions options;
    options.session.held_bytes_max = 1024;
    return options;
  }
  RelaySessionOfLittle() : RelaySuite(little()) {}
};

INSTANTIATE_TEST_SUITE_P(Shards, RelaySessionOfLittle, ::testing::Values(1u, 2u));

TEST_P(RelaySessionOfLittle, AMessageInPiecesHasABudget) {
  Client& client = subscribe(register_user());
  client.send(text_frame(R"({"topics":["a"]})") + frame(Opcode::ping, "hi"));
  for (int i = 0; i < 3; ++i) {
    client.send(frame(i == 0 ? Opcode::text : Opcode::continuation, std::string(600, 'a'), false));
  }
  world_->settle();
  EXPECT_EQ(frames_of(client.read()), (Events{"pong hi", "close \x03\xf1"}));
  EXPECT_EQ(client.link.goodbye, CloseReason::over_budget);
  EXPECT_EQ(total(&engine::Counters::limit_held_bodies), 1u);
}

class RelaySessionOfFewReplies : public RelaySuite {
 protected:
  static WorldOptions few() {
    WorldOptions options;
    options.session.replies_max = 2;
    return options;
  }
  RelaySessionOfFewReplies() : RelaySuite(few()) {}
};

INSTANTIATE_TEST_SUITE_P(Shards, RelaySessionOfFewReplies, ::testing::Values(1u, 2u, 4u));

// WS-31: input that had to wait for Pongs was taken up again when they had left, so the Close never
// came to who asked on and on.
TEST_P(RelaySessionOfFewReplies, WhoIsRemovedIsNotHeardAnyMore) {
  constexpr std::size_t pairs = 200;
  std::string flood;
  for (std::size_t i = 0; i < pairs; ++i) {
    flood += text_frame(i % 2 == 0 ? R"({"topics":["a"]})" : R"({"topics":["b"]})");
    flood += frame(Opcode::ping, "p");
  }
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    start(seed);
    const std::string id = register_user();
    Client& client = subscribe(id);
    Client& remover = connect();
    client.send(flood);
    remover.send(request("DELETE /register/" + id));
    world_->settle();
    const Events events = frames_of(client.read());
    EXPECT_LT(events.size(), pairs) << "seed " << seed;
    EXPECT_EQ(events.back(), "close \x03\xe8");
    EXPECT_EQ(client.link.goodbye, CloseReason::peer_closed);
  }
}

}  // namespace
}  // namespace ringpost::relay
