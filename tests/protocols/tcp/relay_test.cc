// The relay's pairs on a hand-driven Io.

#include "protocols/tcp/relay.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/engine/net/net_world.h"

namespace ringpost::tcp {
namespace {

using engine::CloseReason;
using engine::Fd;
using engine::nanos_per_ms;
using engine::nanos_per_s;
using engine::NetWorld;
using engine::OpKind;
using engine::Shutdown;

constexpr Fd client = 10;

class RelayTest : public ::testing::Test, public RelayObserver {
 protected:
  ~RelayTest() override { world.end(); }
  void on_dial_failed(const std::string& error, engine::Nanos) override { errors.push_back(error); }

  void connect_client() {
    world.connections.adopt(client, pool);
    world.turn();
  }
  // Both connections are there.
  void connect_both() {
    connect_client();
    world.connect_ends(0);
    upstream = world.io.opened.back();
    world.settle();
  }
  void arrive(Fd socket, const std::string& bytes) {
    world.io.arrive_once(socket, bytes);
    world.settle();
  }
  void receive_ends(Fd socket, std::int32_t result) {
    world.io.receive_once_ends(socket, result);
    world.settle();
  }
  void sent(Fd socket) {
    world.io.sent(socket);
    world.settle();
  }
  bool receiving(Fd socket) const { return world.io.in_flight(OpKind::receive_once, socket); }

  NetWorld world;
  RelayPool pool{{.options = {.dial = {.endpoint = {"192.0.2.1", 7000}, .tcp = {}}},
                  .dialer = world.dialer,
                  .observer = this}};
  Fd upstream = engine::no_fd;
  std::vector<std::string> errors;
};

TEST_F(RelayTest, BytesGoBothWays) {
  connect_both();
  arrive(client, "to the upstream");
  EXPECT_EQ(world.io.sending_bytes(upstream), "to the upstream");
  arrive(upstream, "to the client");
  EXPECT_EQ(world.io.sending_bytes(client), "to the client");
  sent(upstream);
  sent(client);
  arrive(client, "more");
  EXPECT_EQ(world.io.sending_bytes(upstream), "more");
}

TEST_F(RelayTest, WhatComesBeforeTheUpstreamIsThereWaits) {
  connect_client();
  arrive(client, "early");
  EXPECT_FALSE(receiving(client));  // one block, no more
  world.connect_ends(0);
  upstream = world.io.opened.back();
  world.settle();
  EXPECT_EQ(world.io.sending_bytes(upstream), "early");
  EXPECT_TRUE(receiving(client));
}

TEST_F(RelayTest, EachDirectionHoldsAtMostTwoBlocks) {
  connect_both();
  arrive(client, "one");
  EXPECT_TRUE(receiving(client));
  arrive(client, "two");
  EXPECT_FALSE(receiving(client));  // one is being sent, one waits
  EXPECT_EQ(world.io.sending_bytes(upstream), "one");
  // The other direction is as free as before.
  arrive(upstream, "back");
  EXPECT_EQ(world.io.sending_bytes(client), "back");
  EXPECT_TRUE(receiving(upstream));
  sent(upstream);
  EXPECT_EQ(world.io.sending_bytes(upstream), "two");
  EXPECT_TRUE(receiving(client));
}

TEST_F(RelayTest, TheEndOfOneDirectionLeavesTheOther) {
  connect_both();
  arrive(client, "question");
  receive_ends(client, 0);
  EXPECT_FALSE(world.io.is_shut_down(upstream, Shutdown::send));  // the question first
  sent(upstream);
  EXPECT_TRUE(world.io.is_shut_down(upstream, Shutdown::send));
  EXPECT_FALSE(world.io.is_closed(client));
  arrive(upstream, "answer");
  sent(client);
  arrive(upstream, "and more");
  receive_ends(upstream, 0);
  EXPECT_FALSE(world.io.is_closed(client));
  sent(client);
  world.settle();
  EXPECT_EQ(world.io.output[client], "answerand more");
  EXPECT_EQ(world.closed(CloseReason::peer_closed), 2u);
  EXPECT_TRUE(world.io.is_closed(client));
  EXPECT_TRUE(world.io.is_closed(upstream));
  EXPECT_TRUE(world.io.closed_by_reset.empty());
}

TEST_F(RelayTest, TheUpstreamMayEndFirst) {
  connect_both();
  receive_ends(upstream, 0);
  EXPECT_TRUE(world.io.is_shut_down(client, Shutdown::send));
  arrive(client, "still");
  sent(upstream);
  EXPECT_EQ(world.io.output[upstream], "still");
  receive_ends(client, 0);
  world.settle();
  EXPECT_EQ(world.closed(CloseReason::peer_closed), 2u);
}

TEST_F(RelayTest, AResetUpstreamResetsTheClientBehindWhatItHadSent) {
  world.io.options.complete_cancels = true;
  connect_both();
  arrive(upstream, "half an answ");
  receive_ends(upstream, -ECONNRESET);
  EXPECT_TRUE(world.io.is_closed(upstream));
  EXPECT_FALSE(world.io.is_closed(client));
  sent(client);
  world.settle();
  EXPECT_EQ(world.io.output[client], "half an answ");
  EXPECT_EQ(world.io.closed_by_reset, std::vector<Fd>{client});
  EXPECT_EQ(world.closed(CloseReason::reset), 1u);
  EXPECT_EQ(world.closed(CloseReason::other_side), 1u);
}

TEST_F(RelayTest, AVanishedClientResetsTheUpstream) {
  world.io.options.complete_cancels = true;
  connect_both();
  receive_ends(client, -ETIMEDOUT);
  world.settle();
  world.turn();
  world.settle();
  EXPECT_EQ(world.io.closed_by_reset, std::vector<Fd>{upstream});
  EXPECT_EQ(world.closed(CloseReason::timed_out), 1u);
  EXPECT_EQ(world.closed(CloseReason::other_side), 1u);
}

TEST_F(RelayTest, ABrokenSendEndsBothThoughInputWaits) {
  world.io.options.complete_cancels = true;
  connect_both();
  arrive(client, "one");
  arrive(client, "two");
  world.io.sent(upstream, -EPIPE);
  world.settle();
  if (receiving(upstream)) receive_ends(upstream, 0);
  world.turn();
  world.settle();
  EXPECT_TRUE(world.io.is_closed(upstream));
  EXPECT_EQ(world.io.closed_by_reset, std::vector<Fd>{client});
}

// Each held a block until the other one's output was sent, which never happened: both were kept for
// ever.
TEST_F(RelayTest, BothMayBreakWhileInputOfBothWaits) {
  world.io.options.complete_cancels = true;
  connect_both();
  arrive(client, "one");
  arrive(client, "two");
  arrive(upstream, "a");
  arrive(upstream, "b");
  world.io.sent(upstream, -EPIPE);
  world.io.sent(client, -EPIPE);
  world.settle();
  ASSERT_TRUE(receiving(client));
  ASSERT_TRUE(receiving(upstream));
  receive_ends(client, -ECONNRESET);
  world.turn();
  world.settle();
  EXPECT_EQ(world.connections.open_count(), 0u);
  EXPECT_EQ(world.buffers.taken_bytes(), 0u);
}

TEST_F(RelayTest, ARefusedUpstreamIsTriedAgainWhileTheClientWaits) {
  connect_client();
  world.connect_ends(-ECONNREFUSED);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_FALSE(world.io.is_closed(client));
  world.pass_time(101 * nanos_per_ms);
  EXPECT_EQ(world.io.opened.size(), 2u);
  world.connect_ends(0);
  upstream = world.io.opened.back();
  world.settle();
  arrive(client, "late");
  EXPECT_EQ(world.io.sending_bytes(upstream), "late");
  world.pass_time(60 * nanos_per_s);  // the bound of the wait is over
  EXPECT_FALSE(world.io.is_closed(client));
}

TEST_F(RelayTest, AClientWaitsNoLongerThanItsBound) {
  world.io.options.complete_cancels = true;
  connect_client();
  world.pass_time(10 * nanos_per_s + 2 * nanos_per_ms);
  world.settle();
  world.turn();
  world.settle();
  EXPECT_EQ(world.io.closed_by_reset, std::vector<Fd>{client});
  EXPECT_EQ(world.closed(CloseReason::upstream_failed), 1u);
  EXPECT_TRUE(world.dialer.idle());
}

TEST_F(RelayTest, AClientThatLeavesWhileWaitingEndsTheDial) {
  world.io.options.complete_cancels = true;
  connect_client();
  receive_ends(client, -ECONNRESET);
  world.settle();
  EXPECT_TRUE(world.dialer.idle());
  EXPECT_TRUE(world.io.is_closed(world.io.opened.back()));
  EXPECT_EQ(world.closed(CloseReason::reset), 1u);
}

TEST_F(RelayTest, ADrainEndsWhoStillWaits) {
  world.io.options.complete_cancels = true;
  connect_client();
  arrive(client, "early");
  world.dialer.drain();
  world.connections.drain();
  world.settle();
  EXPECT_TRUE(world.connections.drained());
  world.turn();
  world.settle();
  receive_ends(client, 0);
  EXPECT_EQ(world.closed(CloseReason::drain), 1u);
}

TEST_F(RelayTest, ADrainSendsWhatWasTaken) {
  world.io.options.complete_cancels = true;
  connect_both();
  arrive(client, "one");
  arrive(client, "two");
  world.connections.drain();
  world.settle();
  EXPECT_FALSE(world.connections.drained());  // "two" waits for "one"
  sent(upstream);
  world.settle();
  EXPECT_FALSE(world.connections.drained());
  sent(upstream);
  world.settle();
  EXPECT_TRUE(world.connections.drained());
  EXPECT_EQ(world.io.output[upstream], "onetwo");
}

TEST_F(RelayTest, PairsAreUsedAgain) {
  world.io.options.complete_cancels = true;
  for (int i = 0; i < 3; ++i) {
    const Fd socket = client + i;
    world.connections.adopt(socket, pool);
    world.connect_ends(0);
    upstream = world.io.opened.back();
    world.settle();
    arrive(socket, "again");
    sent(upstream);
    EXPECT_EQ(world.io.output[upstream], "again");
    receive_ends(socket, -ECONNRESET);
    world.turn();
    world.settle();
    EXPECT_EQ(world.connections.open_count(), 0u);
  }
}

}  // namespace
}  // namespace ringpost::tcp
