// For how long an id is known, and whose connection it is.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/protocols/relay/relay_suite.h"

namespace ringpost::relay {
namespace {

class RelayRegistry : public RelaySuite {};

INSTANTIATE_TEST_SUITE_P(Shards, RelayRegistry, ::testing::Values(1u, 2u, 4u));

// WS-13, row 57
TEST_P(RelayRegistry, AnAddressIsGoodForOneConnection) {
  const std::string id = register_user();
  subscribe(id).close();
  world_->settle();
  const Response response = ask(upgrade_request(id));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "Client not found with id " + id);
}

// The registry heard of the end when the connection was gone, which the client's own end of it, or
// the time for that, came before: until then the id was still good.
TEST_P(RelayRegistry, WhoHasReadTheAnswerToItsCloseFindsTheIdGone) {
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
TEST_P(RelayRegistry, TheNewerConnectionWins) {
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

// The registry may have heard of the first connection behind the second, which was sent away then.
TEST_P(RelayRegistry, WhoConnectsOnceTheOtherHasItsUpgradeIsTheNewer) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    start(seed);
    std::string id = register_user();
    // The first ids may be at home where the topic is.
    for (std::uint64_t i = world_->prng().below(8); i > 0; --i) id = register_user();
    Client& older = connect();
    Client& newer = connect();
    older.send(upgrade_request(id));
    std::string output;
    while (output.empty()) {
      ASSERT_TRUE(world_->step());
      output = older.read();
    }
    ASSERT_EQ(take_response(output).status, 101);
    newer.send(upgrade_request(id));
    world_->settle();
    ASSERT_EQ(output + older.read(), "\x88\x02\x03\xe8") << "seed " << seed;
    output = newer.read();
    ASSERT_EQ(take_response(output).status, 101);
    ASSERT_EQ(output, "") << "seed " << seed;
  }
}

// WS-3, WS-31, rows 47 and 56
TEST_P(RelayRegistry, UnregisteringEndsTheConnectionBehindWhatWasQueued) {
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
TEST_P(RelayRegistry, WhatWasPublishedBeforeUnregisteringIsHeard) {
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
TEST_P(RelayRegistry, ALateUpgradeDoesNotBringARemovedClientBack) {
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

TEST_P(RelayRegistry, AConnectionThatDiesAnywhereLeavesNothing) {
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

TEST_P(RelayRegistry, RegistrationsThatNobodyUsesExpire) {
  const std::string used = register_user();
  subscribe(used);
  register_user();
  world_->pass(299 * engine::nanos_per_s);
  EXPECT_EQ(registrations(), 2u);
  world_->pass(2 * engine::nanos_per_s);
  EXPECT_EQ(registrations(), 1u);
  EXPECT_EQ(total(&engine::Counters::registrations_expired), 1u);
}

// What was kept of each stayed until its time came, whether or not its registration was gone.
TEST_P(RelayRegistry, RegistrationsThatAreGoneLeaveNothing) {
  const std::string first = register_user();
  world_->pass(100 * engine::nanos_per_s);
  Client& client = connect();
  std::size_t most = 0;
  const auto ask_again = [&](const std::string& text) {
    client.send(text);
    world_->settle();
    std::string output = client.read();
    return take_response(output);
  };
  for (int i = 0; i < 2000; ++i) {
    const Response added = ask_again(request("POST /register", "{\"user_id\":1}"));
    ASSERT_EQ(added.status, 200);
    const std::string id = added.body.substr(31, 32);
    ASSERT_EQ(ask_again(request("DELETE /register/" + id)).status, 200);
    for (std::uint32_t shard = 0; shard < GetParam(); ++shard) {
      most = std::max(most, world_->shard(shard).registry.unused_size());
    }
  }
  EXPECT_LT(most, 100u);
  const std::string last = register_user();
  const auto expired = [&] { return total(&engine::Counters::registrations_expired); };
  world_->pass(199 * engine::nanos_per_s);
  EXPECT_EQ(expired(), 0u);
  world_->pass(2 * engine::nanos_per_s);
  EXPECT_EQ(expired(), 1u);
  EXPECT_EQ(ask(request("DELETE /register/" + first)).status, 404);
  world_->pass(100 * engine::nanos_per_s);
  EXPECT_EQ(expired(), 2u);
  EXPECT_EQ(ask(request("DELETE /register/" + last)).status, 404);
  EXPECT_EQ(registrations(), 0u);
}

// A connection that ends takes its registration with it.
TEST_P(RelayRegistry, ConnectionsThatAreGoneLeaveNothing) {
  for (std::uint32_t i = 0; i < 200 * GetParam(); ++i) subscribe(register_user()).close();
  world_->settle();
  EXPECT_EQ(registrations(), 0u);
  for (std::uint32_t shard = 0; shard < GetParam(); ++shard) {
    EXPECT_LT(world_->shard(shard).registry.unused_size(), 100u);
  }
}

class RelayRegistryOfLittle : public RelaySuite {
 protected:
  static WorldOptions little() {
    WorldOptions options;
    options.registry.registrations_max = 2;
    return options;
  }
  RelayRegistryOfLittle() : RelaySuite(little()) {}
};

INSTANTIATE_TEST_SUITE_P(Shards, RelayRegistryOfLittle, ::testing::Values(1u, 2u));

TEST_P(RelayRegistryOfLittle, NoMoreRegistrationsThanMayBe) {
  int refused = 0;
  for (int i = 0; i < 50; ++i) {
    const int status = ask(request("POST /register", "{\"user_id\":1}")).status;
    refused += status == 503 ? 1 : 0;
    EXPECT_TRUE(status == 200 || status == 503) << status;
  }
  EXPECT_EQ(registrations(), 2u * GetParam());
  EXPECT_EQ(total(&engine::Counters::limit_registrations), static_cast<std::uint64_t>(refused));
}

}  // namespace
}  // namespace ringpost::relay
