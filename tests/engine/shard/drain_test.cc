#include "engine/shard/drain.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/shard/shard.h"
#include "tests/engine/shard/shard_world.h"

namespace ringpost::engine {
namespace {

// --- The drain alone, of shard 0, with the test as the other shards ---

class DrainTest : public ::testing::Test, public DrainTarget {
 protected:
  void drain_begin() override { log_ += "begin "; }
  bool drain_quiet() override { return quiet_; }
  void drain_finish() override { log_ += "finish "; }
  void drain_abort() override { log_ += "abort "; }

  void say(std::uint16_t kind, std::uint32_t value = 0) {
    Message message{};
    message.kind = kind;
    message.to = message.from = Shard::ref_of(0);
    message.value = value;
    drain_.on_message(message);
  }
  void pass_time(Nanos nanos) {
    now_ += nanos;
    timers_.advance(now_, SIZE_MAX, [](TimerNode& node) { node.target->on_time(); });
  }
  // How many of a kind were sent to a shard since the last look.
  int sent(std::uint32_t shard, std::uint16_t kind) {
    int count = 0;
    for (const Message& message : post_.queue(shard).items()) count += message.kind == kind;
    post_.queue(shard).clear();
    return count;
  }
  // One round in which both shards report.
  void round(bool first_quiet, bool second_quiet) {
    pass_time(Drain::round_pause + nanos_per_ms);
    EXPECT_EQ(sent(0, kind_drain_round), 1);
    EXPECT_EQ(sent(1, kind_drain_round), 1);
    say(kind_drain_report, first_quiet);
    EXPECT_EQ(sent(1, kind_drain_finish), 0);
    say(kind_drain_report, second_quiet);
  }

  Post post_{0, 2};
  Nanos now_ = nanos_per_s;
  TimerWheel timers_{now_};
  bool quiet_ = true;
  std::string log_;
  Drain drain_{*this, post_, timers_, now_, 10 * nanos_per_s};
};

TEST_F(DrainTest, EndsAfterTwoQuietRoundsInARow) {
  say(kind_drain);
  EXPECT_TRUE(drain_.begun());
  round(true, true);
  EXPECT_EQ(sent(1, kind_drain_finish), 0);
  round(true, false);
  EXPECT_EQ(sent(1, kind_drain_finish), 0);
  round(true, true);
  EXPECT_EQ(sent(1, kind_drain_finish), 0);
  round(true, true);
  EXPECT_EQ(sent(0, kind_drain_finish), 1);
  EXPECT_EQ(sent(1, kind_drain_finish), 1);
  EXPECT_EQ(log_, "begin ");
  say(kind_drain_finish);
  EXPECT_EQ(log_, "begin finish ");
  EXPECT_TRUE(drain_.closing());
  pass_time(nanos_per_s);
  EXPECT_EQ(sent(1, kind_drain_round), 0);
}

TEST_F(DrainTest, AShardThatHasNotBegunIsNotQuiet) {
  Message ask{};
  ask.kind = kind_drain_round;
  ask.from = Shard::ref_of(1);
  drain_.on_message(ask);
  EXPECT_EQ(post_.queue(1).items().back().kind, kind_drain_report);
  EXPECT_EQ(post_.queue(1).items().back().value, 0u);
  say(kind_drain);
  drain_.on_message(ask);
  EXPECT_EQ(post_.queue(1).items().back().value, 1u);
  quiet_ = false;
  drain_.on_message(ask);
  EXPECT_EQ(post_.queue(1).items().back().value, 0u);
}

TEST_F(DrainTest, TheFirstSignalIsOneDrainHoweverOftenItComes) {
  say(kind_drain);
  say(kind_drain);
  EXPECT_EQ(log_, "begin ");
}

TEST_F(DrainTest, ItsTimeBoundsIt) {
  say(kind_drain);
  for (int i = 0; i < 20; ++i) round(false, true);
  EXPECT_EQ(log_, "begin ");
  pass_time(10 * nanos_per_s);
  EXPECT_EQ(log_, "begin abort ");
  EXPECT_TRUE(drain_.closing());
  say(kind_drain_finish);  // too late to finish
  EXPECT_EQ(log_, "begin abort ");
}

TEST_F(DrainTest, ItsTimeBoundsTheClosingToo) {
  say(kind_drain);
  round(true, true);
  round(true, true);
  say(kind_drain_finish);
  pass_time(11 * nanos_per_s);
  EXPECT_EQ(log_, "begin finish abort ");
}

TEST_F(DrainTest, TheSecondSignalEndsItAtOnce) {
  say(kind_drain);
  say(kind_drain_skip);
  EXPECT_EQ(log_, "begin abort ");
  pass_time(11 * nanos_per_s);
  EXPECT_EQ(log_, "begin abort ");
}

TEST_F(DrainTest, TheSecondSignalMayBeTheFirst) {
  say(kind_drain_skip);
  EXPECT_EQ(log_, "begin abort ");
}

// --- Shards that drain ---

constexpr Fd socket_a = 10;
constexpr Fd socket_b = 11;

ShardWorldOptions drain_world(std::uint32_t shard_count, std::size_t lane_capacity = 64) {
  ShardWorldOptions options;
  options.shard_count = shard_count;
  options.lane_capacity = lane_capacity;
  options.shard.drain_nanos = 10 * nanos_per_s;
  return options;
}

// Peers read what they get and end when we do.
void run_drain(ShardWorld& world, const std::vector<std::pair<std::uint32_t, Fd>>& clients,
               int rounds = 60) {
  for (int i = 0; i < rounds && !world.all_ended(); ++i) {
    for (const auto& [shard, fd] : clients) {
      FakeIo& io = world.io(shard);
      if (io.is_shut_down(fd, Shutdown::send) && io.receiving(fd)) io.fin(fd);
    }
    world.pass_time(nanos_per_ms);
  }
}

TEST(ShardDrain, ShardsWithoutConnectionsEnd) {
  for (std::uint32_t count = 1; count <= 3; ++count) {
    for (const std::size_t capacity : {1u, 2u, 64u}) {
      ShardWorld world(drain_world(count, capacity));
      world.listen();
      world.signal_all(kind_drain);
      run_drain(world, {});
      EXPECT_TRUE(world.all_ended());
      EXPECT_TRUE(world.io(0).is_closed(ShardWorld::listening));
    }
  }
}

TEST(ShardDrain, EverySessionSaysGoodbyeAndIsFlushed) {
  ShardWorld world(drain_world(3));
  std::vector<std::pair<std::uint32_t, Fd>> clients;
  for (std::uint32_t i = 0; i < 3; ++i) {
    world.io(i).options.complete_sends = true;
    const Fd socket = 20 + static_cast<Fd>(i);
    LineSession& session = world.open(i, socket);
    session.when_line = [](LineSession& s, const std::string& line) { s.link->write(line); };
    world.io(i).arrive(socket, "last words\n");
    clients.emplace_back(i, socket);
  }
  world.signal_all(kind_drain);
  run_drain(world, clients);
  EXPECT_TRUE(world.all_ended());
  for (const auto& [shard, fd] : clients) {
    const LineSession& session = world.service(shard).sessions.back();
    EXPECT_TRUE(session.logged("drain"));
    EXPECT_EQ(session.log.back(), "closed:drain");
    EXPECT_EQ(world.io(shard).output[fd], "last words");
  }
}

// What was asked before the drain is answered, however late the other shard gets to it.
TEST(ShardDrain, AnAnswerOnItsWayIsWaitedFor) {
  ShardWorld world(drain_world(2));
  for (std::uint32_t i = 0; i < 2; ++i) {
    world.io(i).options.complete_sends = true;
  }
  world.actor(1).when_message = [&](const Message& message) {
    world.shard(1).post().answer(message, 200);
  };
  LineSession& session = world.open(0, socket_a);
  session.when_line = [](LineSession& s, const std::string&) {
    s.link->post().ask(ShardWorld::actor_ref(1), s.link->self(), 100, 1);
  };
  session.when_message = [](LineSession& s, const Message&) { s.link->write("answer"); };
  world.io(0).arrive(socket_a, "ask\n");
  world.step(0);
  world.signal_all(kind_drain);
  // Shard 1 has not seen the question yet; shard 0 goes on asking it whether it is quiet.
  for (int i = 0; i < 20; ++i) {
    world.clock.value += nanos_per_ms;
    world.step(0);
  }
  EXPECT_FALSE(session.closed());
  run_drain(world, {{0, socket_a}});
  EXPECT_TRUE(world.all_ended());
  EXPECT_EQ(world.io(0).output[socket_a], "answer");
}

TEST(ShardDrain, APeerThatDoesNotReadIsGivenUpWhenTheTimeIsOver) {
  ShardWorld world(drain_world(2));
  LineSession& session = world.open(1, socket_a);
  session.link->write("nobody reads this");
  world.step(1);
  world.signal_all(kind_drain);
  for (int i = 0; i < 40; ++i) world.pass_time(nanos_per_ms);
  EXPECT_FALSE(world.ended(1));
  for (int i = 0; i < 10; ++i) world.pass_time(2 * nanos_per_s);
  EXPECT_TRUE(world.all_ended());
  EXPECT_TRUE(session.closed());
}

TEST(ShardDrain, ASecondSignalEndsItAtOnce) {
  ShardWorld world(drain_world(2));
  LineSession& session = world.open(1, socket_a);
  session.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.io(1).arrive(socket_a, "stop\nheld for ever\n");
  world.step_all(3);
  world.signal_all(kind_drain);
  run_drain(world, {});
  EXPECT_FALSE(world.all_ended());
  world.signal_all(kind_drain_skip);
  world.step_all(5);
  EXPECT_TRUE(world.all_ended());
  EXPECT_EQ(session.log.back(), "closed:drain");
}

// Story: at the second signal a shard ended while another still had messages for it, more than the
// lane took. Nobody would ever drain that lane, and the other waited for room in it for ever.
TEST(ShardDrain, AFullLaneToAShardThatEndedHoldsNobodyBack) {
  ShardWorld world(drain_world(2, 1));
  LineSession& session = world.open(0, socket_a);
  session.when_closed = [](LineSession& s) {
    for (int i = 0; i < 5; ++i) s.link->post().tell(ShardWorld::actor_ref(1), s.link->self(), 100);
  };
  world.io(0).fin(socket_a);
  session.when_end = [](LineSession&) {};  // stays
  world.signal_all(kind_drain_skip);
  world.step(1);
  ASSERT_TRUE(world.ended(1));
  for (int i = 0; i < 20; ++i) world.step(0);
  EXPECT_TRUE(world.ended(0));
  EXPECT_TRUE(session.closed());
}

// Story: a payload in a lane at the second signal came back only when the mesh went, after the pool
// that made it, which asserts that all of its payloads are there.
TEST(ShardDrain, WhatLiesInALaneAtTheEndIsReleasedBeforeItsPool) {
  ShardWorld world(drain_world(2));
  LineSession& session = world.open(0, socket_a);
  session.when_line = [](LineSession& s, const std::string& line) {
    s.link->post()
        .tell(ShardWorld::actor_ref(1), s.link->self(), 100)
        .put_payload(s.link->payloads().make(line));
    Message& socket = s.link->post().tell(Shard::ref_of(1), s.link->self(), kind_socket);
    socket.put(socket_b);
    socket.holds = Holds::descriptor;
  };
  world.signal(1, kind_drain_skip);
  world.step(1);
  ASSERT_TRUE(world.ended(1));
  world.io(0).arrive(socket_a, "late\n");
  world.step(0);
  world.end();
  EXPECT_TRUE(world.io(1).is_closed(socket_b));
}

// --- What a shard answers to a round, with the test as shard 0 ---

class DrainRound : public ::testing::Test {
 protected:
  DrainRound() {
    ShardOptions options;
    options.index = 1;
    options.balance = false;
    shard_ = std::make_unique<Shard>(options, io_, kernel_owned_, clock_, mesh_);
    shard_->spawn_at(ShardWorld::slot_actor, std::make_unique<TestActor>());
  }
  ~DrainRound() override {
    io_.options.complete_cancels = true;
    push(kind_drain_skip);
    while (shard_->turn()) {
    }
    shard_->teardown();
  }

  void begin() {
    push(kind_drain);
    shard_->turn();
  }
  void push(std::uint16_t kind, ActorRef to = Shard::ref_of(1)) {
    Message message{};
    message.to = to;
    message.from = Shard::ref_of(0);
    message.kind = kind;
    message.is_ask = kind == kind_drain_round || kind == kind_sync;
    ASSERT_TRUE(port_.to[1]->try_push(message));
  }
  // Turns the shard, and tells whether it reported quiet; nothing if it did not report.
  std::optional<bool> report() {
    shard_->turn();
    std::optional<bool> quiet;
    Message message;
    while (port_.from[1]->try_pop(message)) {
      if (message.kind == kind_drain_report) quiet = message.value != 0;
    }
    return quiet;
  }

  Mesh mesh_{2, 64};
  MeshPort port_ = mesh_.take_port(0);
  TestClock clock_;
  KernelOwned kernel_owned_;
  FakeIo io_{kernel_owned_};
  std::unique_ptr<Shard> shard_;
};

TEST_F(DrainRound, IsQuietWhenNothingMoves) {
  begin();
  push(kind_drain_round);
  EXPECT_EQ(report(), true);
  EXPECT_EQ(report(), std::nullopt);
  push(kind_drain_round);
  EXPECT_EQ(report(), true);
}

TEST_F(DrainRound, IsNotQuietAfterAMessageWasHandled) {
  begin();
  push(100, ShardWorld::actor_ref(1));
  shard_->turn();
  push(kind_drain_round);
  EXPECT_EQ(report(), false);
  push(kind_drain_round);
  EXPECT_EQ(report(), true);
}

TEST_F(DrainRound, SeesWhatLiesBehindItInTheLane) {
  begin();
  push(kind_drain_round);
  push(100, ShardWorld::actor_ref(1));
  EXPECT_EQ(report(), false);
}

// Story: a shard's own part in a conversation, the answer to a sync, did not count as movement. A
// session elsewhere that waits for it is quiet as well, so two rounds could pass between the sync
// and its answer, and what the session still had to say was cut off.
TEST_F(DrainRound, IsNotQuietAfterASyncWasAnswered) {
  begin();
  push(kind_drain_round);
  EXPECT_EQ(report(), true);
  push(kind_sync);
  shard_->turn();
  push(kind_drain_round);
  EXPECT_EQ(report(), false);
}

// Why there are two rounds. A session has its last input after shard 0 has looked into its lanes
// and before this shard does: nothing was handled here, nothing waits, and its last words, which
// lie in a lane, are seen only by the next round.
TEST_F(DrainRound, OneQuietRoundIsNoProof) {
  auto service = std::make_unique<LineService>();
  LineService& lines = *service;
  shard_->add_service(std::move(service));
  shard_->listen(ShardWorld::listening, 0);
  io_.accepted(ShardWorld::listening, socket_a);
  shard_->turn();
  lines.sessions.back().when_drain = [](LineSession& session) {
    session.link->post().tell(ActorRef::actor(0, ShardWorld::slot_actor, 1), session.link->self(),
                              100);
  };
  begin();
  push(kind_drain_round);
  EXPECT_EQ(report(), false);  // its input has not ended yet

  EXPECT_TRUE(port_.from[1]->empty());  // shard 0 looks: quiet
  io_.receive_ends(socket_a, ECANCELED);
  shard_->turn();
  push(kind_drain_round);
  shard_->turn();
  Message message;
  ASSERT_TRUE(port_.from[1]->try_pop(message));
  EXPECT_EQ(message.kind, 100);  // shard 0 has not handled it, and yet:
  ASSERT_TRUE(port_.from[1]->try_pop(message));
  EXPECT_EQ(message.kind, kind_drain_report);
  EXPECT_EQ(message.value, 1u);
}

}  // namespace
}  // namespace ringpost::engine
