#pragma once

// RelaySuite: the message relay over some shards, with every message delivered on its own and in
// many orders, and how tests talk to it.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "tests/protocols/relay/relay_world.h"

namespace ringpost::relay {

using websocket::Events;
using websocket::Opcode;
using namespace std::string_literals;

// Its parameter is the number of shards.
class RelaySuite : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  using Client = RelayWorld::Client;

  explicit RelaySuite(WorldOptions options = {}) {
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

}  // namespace ringpost::relay
