// The message relay over some shards, with every message delivered on its own and in many orders:
// what HTTP answers, what subscribers get and in which order, and how connections end.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/protocols/relay/relay_world.h"
#include "tests/protocols/websocket/inflated.h"

namespace ringpost::relay {
namespace {

using websocket::Events;
using websocket::Opcode;
using Client = RelayWorld::Client;
using namespace std::string_literals;

class Relay : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  explicit Relay(WorldOptions options = {}) {
    options.shards = GetParam();
    options_ = options;
    start(1);
  }
  void start(std::uint64_t seed) { world_ = std::make_unique<RelayWorld>(options_, seed); }

  Client& connect() {
    return world_->connect(static_cast<std::uint32_t>(world_->prng().below(GetParam())));
  }
  // One request on a connection of its own, and its response.
  Response ask(const std::string& text) {
    Client& client = connect();
    client.send(text);
    world_->settle();
    std::string output = client.read();
    Response response = take_response(output);
    EXPECT_EQ(output, "");
    client.close();
    return response;
  }
  std::string register_user(const std::string& user = "1") {
    const Response response = ask(request("POST /register", "{\"user_id\":" + user + "}"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body.size(), 65u) << response.body;
    return response.body.substr(31, 32);
  }
  static std::string upgrade_request(const std::string& id, const std::string& more_fields = {}) {
    return "GET /ws/" + id +
           " HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
           "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
           more_fields + "\r\n";
  }
  Client& subscribe(const std::string& id, const std::string& more_fields = {}) {
    Client& client = connect();
    client.send(upgrade_request(id, more_fields));
    world_->settle();
    std::string output = client.read();
    EXPECT_EQ(take_response(output).status, 101);
    EXPECT_EQ(output, "");
    EXPECT_TRUE(client.is_upgraded());
    return client;
  }
  static std::string publish_request(const std::string& topic, const std::string& message,
                                     const std::string& user = {}) {
    return request("POST /publish", "{\"topic\":\"" + topic + "\",\"message\":\"" + message + "\"" +
                                        (user.empty() ? "" : ",\"user_id\":" + user) + "}");
  }
  void publish(const std::string& topic, const std::string& message, const std::string& user = {}) {
    const Response response = ask(publish_request(topic, message, user));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "Published event");
  }
  std::size_t registrations() {
    world_->settle();
    std::size_t count = 0;
    for (std::uint32_t i = 0; i < GetParam(); ++i) count += world_->shard(i).registry.size();
    return count;
  }
  template <typename Count>
  std::uint64_t total(Count count) {
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < GetParam(); ++i) sum += world_->shard(i).net.counters.*count;
    return sum;
  }

  WorldOptions options_;
  std::unique_ptr<RelayWorld> world_;
};

INSTANTIATE_TEST_SUITE_P(Shards, Relay, ::testing::Values(1u, 2u, 4u));

// --- Subscribers ---------------------------------------------------------------------------------

// WS-10, WS-14, WS-15, and rows 50 and 51 of the checklist
TEST_P(Relay, ASubscriberGetsItsTopicsEvents) {
  Client& client = subscribe(register_user());
  publish("tech", "are awesome");
  EXPECT_EQ(client.read(), "\x81\x0b"s + "are awesome");
  publish("cats", "no");
  EXPECT_EQ(client.read(), "");
  publish("tech", "");
  EXPECT_EQ(client.read(), "\x81\0"s);
}

// Row 52
TEST_P(Relay, AnEventMayBeForOneUser) {
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
TEST_P(Relay, APongProvesThatTheTopicsAreActive) {
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
TEST_P(Relay, TheUpgradeProvesThatTheSubscriberIsThere) {
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
TEST_P(Relay, EverybodySeesOneOrder) {
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

// A Pong that waited for topics came behind the Close.
TEST_P(Relay, TheCloseIsTheLastAnswer) {
  Client& client = subscribe(register_user());
  client.send(text_frame(R"({"topics":["cats"]})") + frame(Opcode::ping, "hi") +
              frame(Opcode::close, "\x03\xe8"));
  world_->settle();
  EXPECT_EQ(frames_of(client.read()), (Events{"pong hi", "close \x03\xe8"}));
}

// The answer to a Close that did not wait for the 101 came in front of it.
TEST_P(Relay, WhatIsSaidInHasteWaitsForTheUpgrade) {
  Client& client = connect();
  client.send(upgrade_request(register_user()) + frame(Opcode::close, "\x03\xe8"));
  world_->settle();
  std::string output = client.read();
  ASSERT_TRUE(output.starts_with("HTTP/1.1 101 ")) << output;
  take_response(output);
  EXPECT_EQ(frames_of(output), Events{"close \x03\xe8"});
}

// WS-20, WS-22, rows 54 and 55
TEST_P(Relay, OtherTextsMeanNothing) {
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
TEST_P(Relay, FragmentsWithAPingBetween) {
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

TEST_P(Relay, EverySplitOfARequestForTopics) {
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

// --- Ends ----------------------------------------------------------------------------------------

// WS-34, row 61
TEST_P(Relay, WrongFramesAreToldWhy) {
  const struct {
    std::string bytes;
    std::string code;
  } rows[] = {
      {"\x81\x02hi", "\x03\xea"},                 // unmasked: 1002
      {frame(Opcode::text, "\xff"), "\x03\xef"},  // 1007
      {frame(Opcode::text, "\xc3"), "\x03\xef"},  // unfinished
      {frame(Opcode::text, "\xc3", false) + frame(Opcode::continuation, "("), "\x03\xef"},
      {"\x81\xff\0\0\0\0\x01\x10\0\0\0\0\0\0"s, "\x03\xf1"},  // 17 MiB: 1009
      {"\xc1\x80\0\0\0\0"s, "\x03\xea"},                      // a reserved bit
      {frame(Opcode::close, "\x03"), "\x03\xea"},             // half a code
      {frame(Opcode::close, "\x03\xed"), "\x03\xea"},         // 1005
  };
  for (const auto& row : rows) {
    const std::string id = register_user();
    Client& client = subscribe(id);
    client.send(row.bytes);
    world_->settle();
    EXPECT_EQ(client.read(), "\x88\x02" + row.code) << testing::PrintToString(row.bytes);
    EXPECT_EQ(client.link.goodbye, CloseReason::protocol_error);
    publish("tech", "x");
    EXPECT_EQ(client.read(), "");
    client.close();
    EXPECT_EQ(registrations(), 0u);
  }
}

// WS-32
TEST_P(Relay, ACloseIsAnsweredInKind) {
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

// WS-13, row 57
TEST_P(Relay, AnAddressIsGoodForOneConnection) {
  const std::string id = register_user();
  subscribe(id).close();
  world_->settle();
  const Response response = ask(upgrade_request(id));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "Client not found with id " + id);
}

// The registry heard of the end when the connection was gone, which the client's own end of it, or
// the time for that, came before: until then the id was still good.
TEST_P(Relay, WhoHasReadTheAnswerToItsCloseFindsTheIdGone) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    start(seed);
    const std::string id = register_user();
    Client& client = subscribe(id);
    Client& remover = connect();
    Client& claimer = connect();
    client.send(frame(Opcode::close, "\x03\xe8"));
    while (client.read().empty()) ASSERT_TRUE(world_->step());
    remover.send(request("DELETE /register/" + id));
    claimer.send(upgrade_request(id));
    world_->settle();
    for (Client* asking : {&remover, &claimer}) {
      std::string output = asking->read();
      ASSERT_EQ(take_response(output).status, 404) << "seed " << seed;
    }
  }
}

// WS-35, row 58
TEST_P(Relay, TheNewerConnectionWins) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    start(seed);
    const std::string id = register_user();
    Client& older = subscribe(id);
    Client& newer = subscribe(id);
    EXPECT_EQ(older.read(), "\x88\x02\x03\xe8");
    older.close();
    world_->settle();
    publish("tech", "x");
    EXPECT_EQ(frames_of(newer.read()), Events{"text x"});
    EXPECT_EQ(registrations(), 1u);
  }
}

// WS-3, WS-31, rows 47 and 56
TEST_P(Relay, UnregisteringEndsTheConnectionBehindWhatWasQueued) {
  const std::string id = register_user();
  Client& client = subscribe(id);
  publish("tech", "last");
  const Response gone = ask(request("DELETE /register/" + id));
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(gone.body, "Client removed with id " + id);
  EXPECT_EQ(client.read(),
            "\x81\x04"
            "last"
            "\x88\x02\x03\xe8");
  const Response again = ask(request("DELETE /register/" + id));
  EXPECT_EQ(again.status, 404);
  EXPECT_EQ(again.body, "Client not found with id " + id);
}

// WS-31: also where the event and the DELETE go different ways.
TEST_P(Relay, WhatWasPublishedBeforeUnregisteringIsHeard) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    start(seed);
    const std::string id = register_user();
    Client& client = subscribe(id);
    Client& other = connect();
    other.send(publish_request("tech", "last"));
    while (other.read().empty()) ASSERT_TRUE(world_->step());
    other.send(request("DELETE /register/" + id));
    world_->settle();
    ASSERT_EQ(client.read(),
              "\x81\x04"
              "last"
              "\x88\x02\x03\xe8")
        << "seed " << seed;
  }
}

// WS-36: whenever the DELETE comes, the removed one stays removed.
TEST_P(Relay, ALateUpgradeDoesNotBringARemovedClientBack) {
  int upgraded = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    start(seed);
    const std::string id = register_user();
    Client& client = connect();
    Client& other = connect();
    client.send(upgrade_request(id));
    for (std::uint64_t i = world_->prng().below(8); i > 0; --i) world_->step();
    other.send(request("DELETE /register/" + id));
    world_->settle();
    std::string output = client.read();
    const Response response = take_response(output);
    if (response.status == 101) {
      ++upgraded;
      ASSERT_EQ(output, "\x88\x02\x03\xe8") << "seed " << seed;
    } else {
      ASSERT_EQ(response.status, 404);
    }
    client.close();
    world_->settle();
    ASSERT_EQ(registrations(), 0u);
  }
  EXPECT_GT(upgraded, 0);
}

TEST_P(Relay, AConnectionThatDiesAnywhereLeavesNothing) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    start(seed);
    const std::string id = register_user();
    Client& client = connect();
    client.send(upgrade_request(id));
    for (std::uint64_t i = world_->prng().below(12); i > 0; --i) world_->step();
    client.close();
    world_->settle();
    publish("tech", "x");
    world_->pass(400 * engine::nanos_per_s);
    ASSERT_EQ(registrations(), 0u) << "seed " << seed;
  }
}

// Pings find dead peers.
TEST_P(Relay, WhoDoesNotAnswerAPingIsGone) {
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
  ring();
  EXPECT_EQ(client.link.aborted, CloseReason::timed_out);
}

TEST_P(Relay, TheLastWordIsThatWeGo) {
  Client& client = subscribe(register_user());
  publish("tech", "last");
  client.session().on_farewell();
  EXPECT_EQ(client.read(),
            "\x81\x04"
            "last"
            "\x88\x02\x03\xe9");
}

// --- HTTP ----------------------------------------------------------------------------------------

// WS-1, WS-6, rows 44, 63 and 64
TEST_P(Relay, AnswersOfHttp) {
  const Response health = ask(request("GET /health"));
  EXPECT_EQ(health.status, 200);
  EXPECT_NE(health.head.find("content-type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(health.body, R"({"data":{"message":"Route Working Properly"},"success":true})");
  const Response options = ask(request("OPTIONS /anything"));
  EXPECT_EQ(options.status, 200);
  EXPECT_NE(options.head.find("access-control-allow-methods: GET,POST,DELETE\r\n"),
            std::string::npos);
  EXPECT_EQ(ask(request("GET /nope")).status, 404);
  const Response put = ask(request("PUT /publish"));
  EXPECT_EQ(put.status, 405);
  EXPECT_NE(put.head.find("allow: POST\r\n"), std::string::npos);
  for (const Response& response : {health, options, put}) {
    EXPECT_NE(response.head.find("access-control-allow-origin: *\r\n"), std::string::npos);
    EXPECT_NE(response.head.find("vary: origin, "), std::string::npos);
  }
}

// 7.2 and row 46
TEST_P(Relay, RequestErrorsOfRegistering) {
  const auto status = [&](const std::string& text) { return ask(text).status; };
  EXPECT_EQ(
      status("POST /register HTTP/1.1\r\nhost: x\r\ncontent-length: 13\r\n\r\n{\"user_id\":1}"),
      415);
  EXPECT_EQ(status(request("POST /register", "{\"user_id\":1}", "text/plain")), 415);
  EXPECT_EQ(status(request("POST /register", "{\"user_id\":1}", "application/x+JSON; a=b")), 200);
  EXPECT_EQ(status(request("POST /register", "{")), 400);
  EXPECT_EQ(status(request("POST /register", "{\"user_id\":-1}")), 422);
  EXPECT_EQ(status(request("POST /register", "{}")), 422);
  EXPECT_EQ(status(request("POST /register", "{\"user_id\":1}x")), 400);
  EXPECT_EQ(status("POST /register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\r\n"),
            400);
  Response large =
      ask("POST /register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
          "content-length: 3145728\r\n\r\n");
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.body, "Failed to buffer the request body: length limit exceeded");
}

// 7.2, in its order
TEST_P(Relay, RequestErrorsOfUpgrading) {
  const std::string id = register_user();
  const std::string lines[] = {"connection: keep-alive, Upgrade\r\n", "upgrade: h2c, WebSocket\r\n",
                               "sec-websocket-version: 13\r\n", "sec-websocket-key: x\r\n"};
  const char* const texts[] = {
      "Connection header did not include 'upgrade'", "`Upgrade` header did not include 'websocket'",
      "`Sec-WebSocket-Version` header did not include '13'", "`Sec-WebSocket-Key` header missing"};
  for (std::size_t missing = 0; missing < 4; ++missing) {
    std::string text = "GET /ws/" + id + " HTTP/1.1\r\nhost: x\r\n";
    for (std::size_t i = 0; i < 4; ++i) text += i == missing ? "" : lines[i];
    const Response response = ask(text + "\r\n");
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.body, texts[missing]);
  }
  EXPECT_EQ(
      ask("GET /ws/" + id + " HTTP/1.0\r\n" + lines[0] + lines[1] + lines[2] + lines[3] + "\r\n")
          .status,
      426);
  const Response unknown = ask(upgrade_request("00000000000040008000000000000000"));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, "Client not found with id 00000000000040008000000000000000");
  EXPECT_EQ(ask(upgrade_request("nobody")).status, 404);
  EXPECT_EQ(ask(request("DELETE /register/nobody")).status, 404);
}

TEST_P(Relay, RegistrationsThatNobodyUsesExpire) {
  const std::string used = register_user();
  subscribe(used);
  register_user();
  world_->pass(299 * engine::nanos_per_s);
  EXPECT_EQ(registrations(), 2u);
  world_->pass(2 * engine::nanos_per_s);
  EXPECT_EQ(registrations(), 1u);
  EXPECT_EQ(total(&engine::Counters::registrations_expired), 1u);
}

// --- Limits --------------------------------------------------------------------------------------

class RelayOfLittle : public Relay {
 protected:
  static WorldOptions little() {
    WorldOptions options;
    options.registry.registrations_max = 2;
    options.session.pending_bytes_max = 1000;
    options.session.topics_max = 2;
    options.session.topic_bytes_max = 4;
    options.session.held_bytes_max = 1024;
    return options;
  }
  RelayOfLittle() : Relay(little()) {}
};

INSTANTIATE_TEST_SUITE_P(Shards, RelayOfLittle, ::testing::Values(1u, 2u));

// WS-30, row 60
TEST_P(RelayOfLittle, WhoDoesNotReadIsToldToComeBackAlone) {
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

TEST_P(RelayOfLittle, NoMoreRegistrationsThanMayBe) {
  int refused = 0;
  for (int i = 0; i < 50; ++i) {
    const int status = ask(request("POST /register", "{\"user_id\":1}")).status;
    refused += status == 503 ? 1 : 0;
    EXPECT_TRUE(status == 200 || status == 503) << status;
  }
  EXPECT_EQ(registrations(), 2u * GetParam());
  EXPECT_EQ(total(&engine::Counters::limit_registrations), static_cast<std::uint64_t>(refused));
}

TEST_P(RelayOfLittle, NoMoreTopicsThanMayBe) {
  Client& client = subscribe(register_user());
  client.send(text_frame(R"({"topics":["a","b","c"]})"));
  client.send(text_frame(R"({"topics":["abcde"]})"));
  world_->settle();
  EXPECT_EQ(total(&engine::Counters::limit_topics), 2u);
  publish("tech", "still");
  EXPECT_EQ(frames_of(client.read()), Events{"text still"});
}

TEST_P(RelayOfLittle, AMessageInPiecesHasABudget) {
  Client& client = subscribe(register_user());
  for (int i = 0; i < 3; ++i) {
    client.send(frame(i == 0 ? Opcode::text : Opcode::continuation, std::string(600, 'a'), false));
  }
  EXPECT_EQ(client.link.goodbye, CloseReason::over_budget);
  EXPECT_EQ(total(&engine::Counters::limit_held_bodies), 1u);
}

// --- Compression ---------------------------------------------------------------------------------

const std::string offer = "sec-websocket-extensions: permessage-deflate\r\n";

class RelayOfCompression : public Relay {
 protected:
  static WorldOptions compressing() {
    WorldOptions options;
    options.session.compression = websocket::Compression::deflate;
    options.session.limits.message_bytes_max = 1000;
    options.session.limits.compressed_bytes_max = 100;
    return options;
  }
  RelayOfCompression() : Relay(compressing()) {}

  std::string deflated(const std::string& text) { return websocket::deflated(deflater_, text); }
  // A client's frame that begins a compressed message.
  std::string compressed_frame(const std::string& text, Opcode opcode = Opcode::text) {
    std::string bytes = frame(opcode, deflated(text));
    bytes[0] = static_cast<char>(bytes[0] | websocket::compressed_bit);
    return bytes;
  }
  // What a subscriber that has agreed on compression sees.
  Events inflated_frames_of(const std::string& output) {
    Events events;
    for (const std::string& event : websocket::fed_in({}, websocket::Role::client, {output},
                                                      websocket::Compression::deflate)) {
      const std::string front = "compressed text ";
      if (!event.starts_with(front)) {
        events.push_back(event);
        continue;
      }
      const auto message = websocket::inflated(inflater_, {event.substr(front.size())}, 4096);
      EXPECT_EQ(message.errc, websocket::Errc::none);
      events.push_back("inflated " + message.message);
    }
    return events;
  }

  websocket::Deflater deflater_{6};
  websocket::Inflater inflater_{1 << 20};
};

INSTANTIATE_TEST_SUITE_P(Shards, RelayOfCompression, ::testing::Values(1u, 2u));

TEST_P(Relay, CompressionIsNotOffered) {
  Client& client = connect();
  client.send(upgrade_request(register_user(), offer));
  world_->settle();
  std::string output = client.read();
  EXPECT_EQ(take_response(output).head.find("extensions"), std::string::npos);
  client.send("\xc1\x80\0\0\0\0"s);
  world_->settle();
  EXPECT_EQ(client.read(), "\x88\x02\x03\xea");
}

TEST_P(RelayOfCompression, AnOfferIsAnswered) {
  const struct {
    std::string fields;
    std::string answer;
  } rows[] = {
      {offer, "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
      {"sec-websocket-extensions: x\r\nSec-WebSocket-Extensions: permessage-deflate; "
       "server_max_window_bits=14\r\n",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
       "server_max_window_bits=12"},
      {"sec-websocket-extensions: permessage-deflate; server_max_window_bits=9\r\n", ""},
      {"", ""},
  };
  for (const auto& row : rows) {
    Client& client = connect();
    client.send(upgrade_request(register_user(), row.fields));
    world_->settle();
    std::string output = client.read();
    const Response response = take_response(output);
    EXPECT_EQ(response.status, 101);
    const std::string line = "sec-websocket-extensions: " + row.answer + "\r\n";
    const bool has_line = response.head.find(line) != std::string::npos;
    EXPECT_EQ(has_line, !row.answer.empty()) << response.head;
  }
}

TEST_P(RelayOfCompression, AnEventIsCompressedForThoseWhoAgreed) {
  Client& first = subscribe(register_user(), offer);
  Client& second = subscribe(register_user(), offer);
  Client& plain = subscribe(register_user());
  const std::string text(500, 'e');
  publish("tech", text);
  publish("tech", "short");
  const std::string output = first.read();
  EXPECT_LT(output.size(), 40u);
  EXPECT_EQ(inflated_frames_of(output), (Events{"inflated " + text, "text short"}));
  EXPECT_EQ(second.read(), output);
  EXPECT_EQ(frames_of(plain.read()), (Events{"text " + text, "text short"}));
}

TEST_P(RelayOfCompression, ShortEventsAreNotWorthIt) {
  const auto compressed = [&](std::size_t bytes_min) {
    options_.compressor.bytes_min = bytes_min;
    start(1);
    Client& client = subscribe(register_user(), offer);
    publish("tech", std::string(100, 'e'));
    return inflated_frames_of(client.read()).at(0).starts_with("inflated ");
  };
  EXPECT_FALSE(compressed(101));
  EXPECT_TRUE(compressed(100));
}

TEST_P(RelayOfCompression, MoreWorkMakesEventsSmaller) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "event " + std::to_string(i * i % 97) + ", ";
  const auto bytes = [&](int level) {
    options_.compressor.level = level;
    start(1);
    Client& client = subscribe(register_user(), offer);
    publish("tech", text);
    return client.read().size();
  };
  EXPECT_LT(bytes(9), bytes(1));
}

TEST_P(RelayOfCompression, ARequestForTopicsMayBeCompressed) {
  const std::string topics = R"({"topics":["cats"]})";
  const std::string payload = deflated(topics);
  std::string begun = frame(Opcode::text, payload.substr(0, 5), false);
  begun[0] = static_cast<char>(begun[0] | websocket::compressed_bit);
  for (const std::string& bytes :
       {compressed_frame(topics), text_frame(topics), compressed_frame(topics, Opcode::binary),
        begun + frame(Opcode::ping, "p") + frame(Opcode::continuation, payload.substr(5)),
        compressed_frame("") + compressed_frame("no topics") + compressed_frame(topics)}) {
    Client& client = subscribe(register_user(), offer);
    for (const char c : bytes) client.send(std::string(1, c));
    client.send(frame(Opcode::ping, "q"));
    world_->settle();
    EXPECT_EQ(frames_of(client.read()).back(), "pong q");
    publish("cats", "yes");
    EXPECT_EQ(inflated_frames_of(client.read()), Events{"text yes"});
    client.close();
  }
}

TEST_P(RelayOfCompression, WrongMessagesAreToldWhy) {
  const auto begin = [](std::string bytes) {
    bytes[0] = static_cast<char>(bytes[0] | websocket::compressed_bit);
    return bytes;
  };
  const struct {
    std::string bytes;
    std::string code;
  } rows[] = {
      {begin(frame(Opcode::text, "\x07")), "\x03\xef"},                 // no DEFLATE: 1007
      {compressed_frame("\xff"), "\x03\xef"},                           // no UTF-8
      {compressed_frame(std::string(1001, 'b')), "\x03\xf1"},           // a bomb: 1009
      {begin(frame(Opcode::text, std::string(101, 'x'))), "\x03\xf1"},  // too much as it comes
      {begin(frame(Opcode::ping, "p")), "\x03\xea"},
      {frame(Opcode::text, "a", false) + begin(frame(Opcode::continuation, "")), "\x03\xea"},
  };
  for (const auto& row : rows) {
    Client& client = subscribe(register_user(), offer);
    const std::uint64_t large = total(&engine::Counters::limit_frame_too_long);
    client.send(row.bytes);
    world_->settle();
    EXPECT_EQ(client.read(), "\x88\x02" + row.code) << testing::PrintToString(row.bytes);
    EXPECT_EQ(total(&engine::Counters::limit_frame_too_long),
              large + (row.code == "\x03\xf1" ? 1 : 0));
    client.close();
  }
  Client& client = subscribe(register_user(), offer);
  client.send(compressed_frame(std::string(1000, 'b')) + frame(Opcode::ping, "p"));
  world_->settle();
  EXPECT_EQ(frames_of(client.read()), Events{"pong p"});
}

}  // namespace
}  // namespace ringpost::relay
