#include "engine/shard/shard.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/engine/shard/count_allocations.h"
#include "tests/engine/shard/shard_world.h"

namespace ringpost::engine {
namespace {

using Lines = std::vector<std::string>;
constexpr Fd socket_a = 10;
constexpr Fd socket_b = 11;
constexpr std::uint16_t kind_question = 100;
constexpr std::uint16_t kind_answer = 200;

ShardWorldOptions world_of(std::uint32_t shard_count, std::size_t lane_capacity = 64) {
  ShardWorldOptions options;
  options.shard_count = shard_count;
  options.lane_capacity = lane_capacity;
  return options;
}

// Asks an actor about each line; the answers go to the peer as "LINE.".
void ask_for_lines(LineSession& session, ActorRef actor) {
  session.when_line = [actor](LineSession& s, const std::string& line) {
    s.link->post().ask(actor, s.link->self(), kind_question, 0).put_bytes(line);
  };
  session.when_message = [](LineSession& s, const Message& message) {
    s.link->write(std::string(message.inline_bytes()) + ".");
  };
}
void answer_with_the_same(ShardWorld& world, std::uint32_t shard) {
  world.actor(shard).when_message = [&world, shard](const Message& message) {
    world.shard(shard).post().answer(message, kind_answer).put_bytes(message.inline_bytes());
  };
}

// --- Messages ---

TEST(Shard, WhatIsAskedOnTheSameShardLeavesInTheSameTurn) {
  ShardWorld world(world_of(1));
  answer_with_the_same(world, 0);
  ask_for_lines(world.open(0, socket_a), ShardWorld::actor_ref(0));
  world.io(0).arrive(socket_a, "one\ntwo\n");
  world.step(0);
  EXPECT_EQ(world.io(0).sending_bytes(socket_a), "one.two.");
  EXPECT_EQ(world.shard(0).counters().messages_local, 4u);
}

TEST(Shard, WhatIsAskedOfAnotherComesBackThroughTheLanes) {
  ShardWorld world(world_of(2));
  answer_with_the_same(world, 1);
  ask_for_lines(world.open(0, socket_a), ShardWorld::actor_ref(1));
  world.io(0).arrive(socket_a, "one\ntwo\n");
  world.step(0);
  EXPECT_FALSE(world.io(0).sending(socket_a));
  world.step(1);
  world.step(0);
  EXPECT_EQ(world.io(0).sending_bytes(socket_a), "one.two.");
  const ShardReport report = world.shard(0).report();
  EXPECT_EQ(report.lane_sent[1], 2u);
  EXPECT_EQ(report.lane_received[1], 2u);
  EXPECT_EQ(world.shard(1).report().lane_received[0], 2u);
}

TEST(Shard, MessagesInARowForOneActorAreOneRun) {
  ShardWorld world(world_of(2));
  Post& post = world.shard(0).post();
  const ActorRef actor = ShardWorld::actor_ref(0);
  for (int i = 0; i < 3; ++i) post.tell(actor, ActorRef(), kind_question);
  post.tell(ActorRef::actor(0, 99, 1), ActorRef(), kind_question);  // somebody else between
  for (int i = 0; i < 2; ++i) post.tell(actor, ActorRef(), kind_question);
  world.step(0);
  EXPECT_EQ(world.actor(0).runs, (std::vector<std::size_t>{3, 2}));
  EXPECT_EQ(world.shard(0).counters().messages_stale, 1u);

  for (int i = 0; i < 5; ++i) post.tell(ShardWorld::actor_ref(1), ActorRef(), kind_question);
  world.step(0);
  world.step(1);
  EXPECT_EQ(world.actor(1).runs, std::vector<std::size_t>{5});
}

TEST(Shard, AnAskOfAnActorThatIsGoneIsAnswered) {
  ShardWorld world(world_of(2));
  for (const std::uint32_t shard : {0u, 1u}) {
    LineSession& session = world.open(0, 10 + static_cast<Fd>(shard));
    std::vector<std::uint64_t> gone;
    session.when_message = [&](LineSession&, const Message& message) {
      EXPECT_EQ(message.kind, kind_gone);
      gone.push_back(message.token);
    };
    Post& post = world.shard(0).post();
    post.ask(ActorRef::actor(shard, 99, 1), session.link->self(), kind_question, 7);  // no slot
    post.ask(ActorRef::actor(shard, ShardWorld::slot_actor, 2), session.link->self(), kind_question,
             8);  // another generation
    post.ask(ActorRef::session(shard, 99, 1), session.link->self(), kind_question, 9);
    post.tell(ActorRef::actor(shard, 99, 1), session.link->self(), kind_question);  // no ask
    world.step_all(3);
    EXPECT_EQ(gone, (std::vector<std::uint64_t>{7, 8, 9}));
    session.when_message = nullptr;
  }
  EXPECT_TRUE(world.actor(0).got.empty());
  EXPECT_TRUE(world.actor(1).got.empty());
}

TEST(Shard, WhatNobodyGetsIsDisposedOf) {
  ShardWorld world(world_of(2));
  Payload payload = world.shard(0).payloads().make("text");
  const ActorRef nobody = ActorRef::session(1, 50, 1);
  world.shard(0).post().tell(nobody, ActorRef(), kind_question).put_payload(payload.share());
  Message& socket = world.shard(0).post().tell(nobody, ActorRef(), kind_question);
  socket.put(socket_b);
  socket.holds = Holds::descriptor;
  world.step_all(2);
  EXPECT_EQ(world.shard(1).counters().messages_stale, 2u);
  EXPECT_TRUE(world.io(1).is_closed(socket_b));
  PayloadBlock* const block = payload.release();
  EXPECT_EQ(block->count.load(), 1u);
  Payload::adopt(block).reset();
}

TEST(Shard, AnswersSyncs) {
  ShardWorld world(world_of(2));
  LineSession& session = world.open(0, socket_a);
  std::vector<std::uint64_t> synced;
  session.when_message = [&](LineSession&, const Message& message) {
    EXPECT_EQ(message.kind, kind_synced);
    synced.push_back(message.token);
  };
  world.shard(0).post().ask(Shard::ref_of(0), session.link->self(), kind_sync, 1);
  world.shard(0).post().ask(Shard::ref_of(1), session.link->self(), kind_sync, 2);
  world.step_all(3);
  EXPECT_EQ(synced, (std::vector<std::uint64_t>{1, 2}));
}

// --- Lanes ---

class ShardLanes : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ShardLanes, AFullLaneStopsParsingLosesNothingAndGoesOn) {
  ShardWorld world(world_of(2, GetParam()));
  world.io(0).options.complete_sends = true;
  answer_with_the_same(world, 1);
  LineSession& session = world.open(0, socket_a);
  ask_for_lines(session, ShardWorld::actor_ref(1));
  std::string expected;
  std::string input;
  for (int i = 0; i < 30; ++i) {
    input += std::to_string(i) + "\n";
    expected += std::to_string(i) + ".";
  }
  world.io(0).arrive(socket_a, input);
  world.step(0);
  EXPECT_EQ(session.lines.size(), GetParam());  // a turn sends no more than a lane takes
  EXPECT_FALSE(world.shard(0).post().congested());
  EXPECT_EQ(world.shard(0).counters().lanes_congested, 0u);

  for (int i = 0; i < 5; ++i) world.step(0);
  EXPECT_EQ(session.lines.size(), 2 * GetParam());  // and as much again waits for room in it
  EXPECT_TRUE(world.shard(0).post().congested());
  EXPECT_EQ(world.shard(0).counters().lanes_congested, 1u);

  for (int i = 0; i < 200; ++i) world.step_all();
  EXPECT_FALSE(world.shard(0).post().congested());
  EXPECT_EQ(session.lines.size(), 30u);
  world.io(0).arrive(socket_a, "more\n");
  for (int i = 0; i < 10; ++i) world.step_all();
  EXPECT_EQ(world.io(0).output[socket_a], expected + "more.");
  EXPECT_EQ(world.shard(0).counters().spill_messages_max, GetParam());
}

// Story: a turn parsed all that had come before it saw that a lane was full. Clients that flooded
// the order book had megabytes of orders wait for its shard, and a line of the chat behind them
// took seconds.
TEST(Shard, HoweverMuchArrivesASpillIsNoLongerThanALaneAndOneRequest) {
  constexpr std::size_t lane_capacity = 64;
  constexpr std::size_t per_request = 3;
  constexpr Fd clients = 20;
  ShardWorld world(world_of(2, lane_capacity));
  std::string input;
  for (int i = 0; i < 1000; ++i) input += "x\n";
  for (Fd fd = socket_a; fd < socket_a + clients; ++fd) {
    world.open(0, fd).when_line = [](LineSession& s, const std::string&) {
      for (std::size_t i = 0; i < per_request; ++i) {
        s.link->post().tell(ShardWorld::actor_ref(1), s.link->self(), kind_question);
      }
    };
    world.io(0).arrive(fd, input);
  }
  // The other is slower: it turns once in ten.
  for (int i = 0; world.actor(1).got.size() < clients * 1000 * per_request; ++i) {
    ASSERT_LT(i, 100'000);
    world.step(0);
    if (i % 10 == 0) world.step(1);
  }
  EXPECT_GT(world.shard(0).counters().lanes_congested, 100u);
  EXPECT_GT(world.shard(0).counters().spill_messages_max, lane_capacity / 2);
  EXPECT_LT(world.shard(0).counters().spill_messages_max, lane_capacity + per_request);
}

// Story: when a lane had room again, the connections that it had held back were taken up from the
// first, which filled it anew and stayed the first: a line behind a few megabytes of orders of
// others came after all of them.
TEST(Shard, WhoIsHeldBackIsNotPassedOver) {
  ShardWorld world(world_of(2, 4));
  const auto tell = [](LineSession& s, const std::string&) {
    s.link->post().tell(ShardWorld::actor_ref(1), s.link->self(), kind_question);
  };
  constexpr Fd flooders = 5;
  constexpr Fd speaker = socket_a + flooders;
  std::string input;
  for (int i = 0; i < 1000; ++i) input += "x\n";
  for (Fd fd = socket_a; fd < speaker; ++fd) {
    world.open(0, fd).when_line = tell;
    world.io(0).arrive(fd, input);
  }
  LineSession& session = world.open(0, speaker);
  session.when_line = tell;
  world.io(0).arrive(speaker, "one\ntwo\n");
  for (Fd i = 0; i <= 2 * (flooders + 1); ++i) world.step_all();
  EXPECT_EQ(session.lines, (Lines{"one", "two"}));
  for (std::size_t i = 0; i < 5; ++i) EXPECT_LT(world.service(0).sessions[i].lines.size(), 20u);
}

// The same for messages to the shard itself, which are delivered in the turn: what was held while
// parsing was paused may be more than a turn's share.
TEST(Shard, HeldInputIsParsedByTheShareOfATurn) {
  ShardWorldOptions options = world_of(2);
  options.shard.messages_per_turn = 100;
  ShardWorld world(options);
  LineSession& session = world.open(0, socket_a);
  session.when_line = [](LineSession& s, const std::string& line) {
    if (line == "pause") return s.link->pause();
    s.link->post().tell(ShardWorld::actor_ref(0), s.link->self(), kind_question);
  };
  world.io(0).arrive(socket_a, "pause\n");
  std::string input;
  for (int i = 0; i < 1000; ++i) input += "x\n";
  world.io(0).arrive(socket_a, input);
  world.step(0);
  ASSERT_EQ(world.actor(0).got.size(), 0u);
  session.link->resume();
  for (std::size_t turns = 1; turns <= 10; ++turns) {
    const std::uint64_t slept = world.io(0).sleeps;
    world.step(0);
    EXPECT_EQ(world.actor(0).got.size(), 100 * turns);
    EXPECT_EQ(world.io(0).sleeps, slept);
  }
  world.step(0);
  EXPECT_EQ(session.lines.size(), 1001u);
}

// Story: it was parsed again a part in each turn and held more with every turn, while the receive
// went on.
TEST(Shard, WhoHoldsInputIsNotGivenMore) {
  ShardWorld world(world_of(2, 4));
  LineSession& session = world.open(0, socket_a);
  session.when_line = [](LineSession& s, const std::string&) {
    s.link->post().tell(ShardWorld::actor_ref(1), s.link->self(), kind_question);
  };
  world.io(0).arrive(socket_a, "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  world.step(0);
  EXPECT_FALSE(world.shard(0).post().congested());  // the lane took them all
  EXPECT_TRUE(world.io(0).cancel_asked(OpKind::receive, socket_a));
  for (int i = 0; i < 5; ++i) world.step_all();
  EXPECT_EQ(session.lines.size(), 9u);
  EXPECT_TRUE(world.io(0).receiving(socket_a));
}

// Story: room in a lane ended the pause of what it held back, after the step that takes such input
// up. The shard then slept over it.
TEST_P(ShardLanes, TheTurnThatFindsRoomTakesUpWhatWasHeldBack) {
  ShardWorld world(world_of(2, GetParam()));
  LineSession& session = world.open(0, socket_a);
  session.when_line = [](LineSession& s, const std::string&) {
    s.link->post().tell(ShardWorld::actor_ref(1), s.link->self(), kind_question);
  };
  std::string input;
  for (std::size_t i = 0; i < 2 * GetParam(); ++i) input += "x\n";
  world.io(0).arrive(socket_a, input + "held\n");
  for (int i = 0; i < 4; ++i) world.step(0);
  ASSERT_TRUE(world.shard(0).post().congested());
  EXPECT_NE(session.lines.back(), "held");
  world.step(1);
  world.step(0);  // publishes the rest
  EXPECT_FALSE(world.shard(0).post().congested());
  const std::uint64_t slept = world.io(0).sleeps;
  world.step(0);
  EXPECT_EQ(session.lines.back(), "held");
  EXPECT_EQ(world.io(0).sleeps, slept);
}

TEST_P(ShardLanes, TwoShardsThatFillEachOthersLanesBothGoOn) {
  ShardWorld world(world_of(2, GetParam()));
  std::string expected;
  std::string input;
  for (int i = 0; i < 200; ++i) {
    input += std::to_string(i) + "\n";
    expected += std::to_string(i) + ".";
  }
  for (const std::uint32_t shard : {0u, 1u}) {
    world.io(shard).options.complete_sends = true;
    answer_with_the_same(world, shard);
    ask_for_lines(world.open(shard, socket_a), ShardWorld::actor_ref(1 - shard));
    world.io(shard).arrive(socket_a, input);
  }
  for (int i = 0; i < 1000; ++i) world.step_all();
  EXPECT_EQ(world.io(0).output[socket_a], expected);
  EXPECT_EQ(world.io(1).output[socket_a], expected);
}

INSTANTIATE_TEST_SUITE_P(Capacities, ShardLanes, ::testing::Values(1, 2));

TEST(Shard, WakesOnlyWhoSleepsAndOnce) {
  ShardWorld world(world_of(3));
  Post& post = world.shard(0).post();
  post.tell(ShardWorld::actor_ref(1), ActorRef(), kind_question);
  world.step(0);
  EXPECT_TRUE(world.io(0).wakes.empty());  // shard 1 runs

  world.mesh.parker(1).announce_sleep();
  for (int i = 0; i < 3; ++i) post.tell(ShardWorld::actor_ref(1), ActorRef(), kind_question);
  post.tell(ShardWorld::actor_ref(2), ActorRef(), kind_question);
  world.step(0);
  EXPECT_EQ(world.io(0).wakes, std::vector<std::uint32_t>{1});
  post.tell(ShardWorld::actor_ref(1), ActorRef(), kind_question);
  world.step(0);
  EXPECT_EQ(world.io(0).wakes.size(), 1u);  // somebody has already taken it upon himself
  world.mesh.parker(1).awake();
}

TEST(Shard, DoesNotSleepOverWhatOthersLeft) {
  ShardWorld world(world_of(2));
  world.step_all(3);
  const std::uint64_t slept = world.io(1).sleeps;
  EXPECT_GT(slept, 0u);
  world.shard(0).post().tell(ShardWorld::actor_ref(1), ActorRef(), kind_question);
  world.step(0);
  world.step(1);  // finds the message when it looks once more
  EXPECT_EQ(world.io(1).sleeps, slept);
  EXPECT_EQ(world.actor(1).got.size(), 1u);
  world.signal(1, kind_gone);
  world.step(1);
  EXPECT_EQ(world.io(1).sleeps, slept);  // nor over the inbox
  world.step(1);
  EXPECT_EQ(world.io(1).sleeps, slept + 1);
}

TEST(Shard, WaitsForItsNextTimerAndNotWithWorkLeft) {
  ShardWorld world(world_of(2, 1));
  world.step(0);
  EXPECT_EQ(world.io(0).last_limits.deadline, never);
  LineSession& session = world.open(0, socket_a);
  session.link->set_timer(world.clock.value + 50 * nanos_per_ms);
  world.step(0);
  world.step(0);
  EXPECT_GT(world.io(0).last_limits.deadline, world.clock.value);
  EXPECT_LE(world.io(0).last_limits.deadline, world.clock.value + 51 * nanos_per_ms);

  world.shard(0).post().tell(ShardWorld::actor_ref(0), ActorRef(), kind_question);
  world.step(0);
  EXPECT_EQ(world.io(0).last_limits.deadline, 0);

  // A full lane is looked at again soon, for its consumer wakes nobody.
  for (int i = 0; i < 3; ++i) {
    world.shard(0).post().tell(ShardWorld::actor_ref(1), ActorRef(), kind_question);
  }
  world.step(0);
  world.step(0);
  EXPECT_GT(world.io(0).last_limits.deadline, 0);
  EXPECT_LE(world.io(0).last_limits.deadline, world.clock.value + nanos_per_ms);
}

class CountingTimer final : public TimerTarget {
 public:
  explicit CountingTimer(std::uint32_t& fired) : fired_(fired) { node.target = this; }
  void on_time() override { ++fired_; }
  TimerNode node;

 private:
  std::uint32_t& fired_;
};

TEST(Shard, AThousandDueTimersDoNotHoldUpATurn) {
  ShardWorldOptions options = world_of(1);
  options.shard.timers_per_turn = 100;
  ShardWorld world(options);
  LineSession& session = world.open(0, socket_a);
  session.when_line = [](LineSession& s, const std::string& line) { s.link->write(line); };
  std::uint32_t fired = 0;
  std::deque<CountingTimer> timers;
  for (int i = 0; i < 1000; ++i) {
    timers.emplace_back(fired);
    world.shard(0).timers().schedule(timers.back().node, world.clock.value + nanos_per_ms);
  }
  world.clock.value += 10 * nanos_per_ms;
  world.io(0).arrive(socket_a, "question\n");
  world.step(0);
  EXPECT_EQ(fired, 100u);
  EXPECT_EQ(world.io(0).sending_bytes(socket_a), "question");
  for (std::uint32_t turn = 2; turn <= 10; ++turn) {
    world.step(0);
    EXPECT_LE(world.io(0).last_limits.deadline, world.clock.value);  // at once
    EXPECT_EQ(fired, turn * 100);
  }
  EXPECT_EQ(world.shard(0).counters().turn_timers_put_off, 9u);
}

TEST(Shard, SpinsOnlyAfterATurnThatDidWork) {
  ShardWorldOptions options = world_of(1);
  options.shard.spin_nanos = 50 * nanos_per_us;
  ShardWorld world(options);
  world.step_all(2);
  EXPECT_EQ(world.io(0).last_limits.spin, 0);
  world.open(0, socket_a);
  world.step(0);
  world.io(0).arrive(socket_a, "x\n");
  world.step(0);
  world.step(0);
  EXPECT_EQ(world.io(0).last_limits.spin, 50 * nanos_per_us);
  world.step(0);
  EXPECT_EQ(world.io(0).last_limits.spin, 0);
}

// --- Logs that took their share ---

// Appends what it reads to a log, as it is.
class LogSession final : public Session {
 public:
  explicit LogSession(FanOutLog& log) : log_(log) {}
  void on_open(Link& link) override { link_ = &link; }
  std::size_t on_bytes(Bytes bytes) override {
    log_.append(link_->payloads().make(bytes), ActorRef());
    return bytes.size();
  }
  void on_end(Bytes) override { link_->abort(CloseReason::peer_closed); }
  void on_messages(std::span<const Message>) override { FAIL(); }
  void on_closed(CloseReason) override {}

 private:
  FanOutLog& log_;
  Link* link_ = nullptr;
};

class LogService final : public Service {
 public:
  LogService(FanOutTurn& turn, std::uint64_t share) : log(turn, share) {}
  Session& open() override { return sessions.emplace_back(log); }
  void close(Session&) override {}

  FanOutLog log;
  std::deque<LogSession> sessions;
};

// One shard whose service 1 is a LogService.
class ShardBacklog : public ::testing::Test {
 protected:
  ShardBacklog() {
    auto service = std::make_unique<LogService>(world_.shard(0).fan_out(), 100);
    log_ = &service->log;
    world_.shard(0).add_service(std::move(service));
    world_.io(0).options.keep_output = false;
    world_.shard(0).listen(listening, 1);
    for (const Fd socket : {20, 21, 22, 23}) world_.io(0).accepted(listening, socket);
    world_.step(0);
  }

  static constexpr Fd listening = 4;

  ShardWorld world_{world_of(1)};
  FanOutLog* log_ = nullptr;
};

TEST_F(ShardBacklog, ReceivesBehindTheShareWaitForTheNextTurnInOrder) {
  const std::string run(100, 'x');
  for (const Fd socket : {20, 21, 20, 22}) world_.io(0).arrive(socket, run);
  world_.step(0);
  EXPECT_EQ(log_->end(), 100u);
  EXPECT_EQ(world_.shard(0).counters().turn_input_ended, 1u);
  EXPECT_EQ(world_.io(0).buffers_out(), 3u);
  for (std::uint64_t turn = 2; turn <= 4; ++turn) {
    world_.step(0);
    EXPECT_EQ(world_.io(0).last_limits.deadline, 0);  // does not sleep over it
    EXPECT_EQ(log_->end(), turn * 100);
  }
  EXPECT_EQ(world_.io(0).buffers_out(), 0u);
}

TEST_F(ShardBacklog, WhatWaitsForAConnectionThatIsGoneGivesItsBufferBack) {
  for (const Fd socket : {20, 21}) world_.io(0).arrive(socket, std::string(100, 'x'));
  world_.step(0);
  EXPECT_EQ(world_.io(0).buffers_out(), 1u);
  world_.signal(0, kind_drain_skip);
  for (int i = 0; i < 10; ++i) world_.step(0);
  ASSERT_TRUE(world_.ended(0));
  EXPECT_EQ(world_.io(0).buffers_out(), 0u);
}

// Story: what was put off was taken from the front of a vector that was cleared once it was empty.
// Under a load that keeps something waiting it never was, and grew with every receive.
TEST_F(ShardBacklog, ABacklogThatIsNeverEmptyDoesNotGrow) {
  const std::string run(100, 'x');
  for (int i = 0; i < 3; ++i) world_.io(0).arrive(20, run);
  const auto turns = [&](int count) {
    for (int i = 0; i < count; ++i) {
      world_.io(0).arrive(20 + i % 4, run);
      world_.step(0);
      ASSERT_EQ(world_.io(0).buffers_out(), 3u);
    }
  };
  turns(500);
  const std::size_t before = allocation_count();
  turns(5000);
  EXPECT_EQ(allocation_count(), before);
  for (int i = 0; i < 4; ++i) world_.step(0);
}

// Story: a turn parsed all that had come, 4 MiB of one who sends without end; everybody else on the
// shard waited that long for a word.
TEST(Shard, ATurnParsesItsShareOfBytes) {
  ShardWorldOptions options = world_of(1);
  options.shard.input_bytes_per_turn = 10;
  ShardWorld world(options);
  LineSession& session = world.open(0, socket_a);
  LineSession& other = world.open(0, socket_b);
  for (int i = 0; i < 4; ++i) world.io(0).arrive(socket_a, "12345\n");
  world.io(0).arrive(socket_b, "x\n");
  world.step(0);
  EXPECT_EQ(session.lines.size(), 2u);
  EXPECT_EQ(world.shard(0).counters().turn_input_ended, 1u);
  world.step(0);
  EXPECT_EQ(world.io(0).last_limits.deadline, 0);  // does not sleep over it
  EXPECT_EQ(session.lines.size(), 4u);
  EXPECT_EQ(other.lines.size(), 0u);
  world.step(0);
  EXPECT_EQ(other.lines.size(), 1u);
}

// Two shards. Whatever the actor of shard 0 is told takes up a turn's share of a log there.
class ShardLanesBehind : public ::testing::Test {
 protected:
  ShardLanesBehind() {
    auto service = std::make_unique<LogService>(world_.shard(0).fan_out(), 100);
    FanOutLog& log = service->log;
    world_.shard(0).add_service(std::move(service));
    world_.actor(0).when_message = [this, &log](const Message&) {
      log.append(payloads_.make(std::string(100, 'x')), ActorRef());
    };
  }

  static ShardWorldOptions options() {
    ShardWorldOptions options = world_of(2);
    options.shard.lane_batch = 1;
    return options;
  }
  void tell_from_shard_1(int count) {
    for (int i = 0; i < count; ++i) {
      world_.shard(1).post().tell(ShardWorld::actor_ref(0), ActorRef(), kind_question);
    }
    world_.step(1);
  }

  PayloadPool payloads_;
  ShardWorld world_{options()};
};

// Story: what a chat member said went to the room on the other shard and came back longer. His
// shard read on, whatever stood in the lane already: up to 4,096 runs of 64 KiB.
TEST_F(ShardLanesBehind, ATurnTakesOneReceive) {
  LineSession& session = world_.open(0, socket_a);
  tell_from_shard_1(4);
  world_.step(0);
  ASSERT_EQ(world_.actor(0).got.size(), 1u);
  for (int i = 0; i < 5; ++i) world_.io(0).arrive(socket_a, "line\n");
  for (std::size_t turn = 1; turn <= 3; ++turn) {
    world_.step(0);
    EXPECT_EQ(session.lines.size(), turn);
    EXPECT_EQ(world_.actor(0).got.size(), 1 + turn);
  }
  world_.step(0);  // nothing is left in the lane
  EXPECT_EQ(session.lines.size(), 5u);
}

// --- Accepting ---

ShardWorldOptions balanced(std::uint32_t shard_count) {
  ShardWorldOptions options = world_of(shard_count);
  options.balance = true;
  return options;
}

TEST(Shard, SocketsGoToTheLeastLoadedShard) {
  ShardWorld world(balanced(3));
  world.listen();
  for (Fd socket = 20; socket < 26; ++socket) world.io(0).accepted(ShardWorld::listening, socket);
  world.step_all(2);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(world.service(i).sessions.size(), 2u);
    EXPECT_EQ(world.shard(i).counters().opened, 2u);
  }
  // Two of shard 1 end; it gets the next two.
  for (LineSession& session : world.service(1).sessions) {
    session.link->abort(CloseReason::protocol_error);
  }
  world.step_all(5);
  world.io(0).accepted(ShardWorld::listening, 30);
  world.io(0).accepted(ShardWorld::listening, 31);
  world.step_all(2);
  EXPECT_EQ(world.service(1).sessions.size(), 4u);
}

TEST(Shard, WithoutBalanceItServesWhatItAccepts) {
  ShardWorld world(world_of(2));
  world.listen();
  for (Fd socket = 20; socket < 24; ++socket) world.io(0).accepted(ShardWorld::listening, socket);
  world.step_all(2);
  EXPECT_EQ(world.service(0).sessions.size(), 4u);
}

TEST(Shard, OverItsBoundSocketsAreRefusedUntilOthersEnd) {
  ShardWorldOptions options = balanced(2);
  options.shard.connections_max = 2;
  ShardWorld world(options);
  world.listen();
  for (const Fd socket : {20, 21, 22}) world.io(0).accepted(ShardWorld::listening, socket);
  world.step_all(2);
  EXPECT_TRUE(world.io(0).is_closed(22));
  const auto refused = static_cast<std::size_t>(CloseReason::refused);
  EXPECT_EQ(world.shard(0).counters().closed[refused], 1u);
  ASSERT_EQ(world.service(1).sessions.size(), 1u);
  world.service(1).sessions[0].link->abort(CloseReason::protocol_error);
  world.step_all(5);
  world.io(0).accepted(ShardWorld::listening, 23);
  world.step_all(2);
  EXPECT_EQ(world.service(1).sessions.size(), 2u);
}

TEST(Shard, AListenerThatBackedOffGoesOnWhenAnyShardReportsAnEnd) {
  ShardWorld world(balanced(2));
  world.listen();
  for (const Fd socket : {20, 21}) world.io(0).accepted(ShardWorld::listening, socket);
  world.step_all(2);
  world.io(0).accept_ends(ShardWorld::listening, EMFILE);
  world.step_all(2);
  EXPECT_FALSE(world.io(0).in_flight(OpKind::accept, ShardWorld::listening));
  world.service(1).sessions[0].link->abort(CloseReason::protocol_error);
  world.step_all(5);
  EXPECT_TRUE(world.io(0).in_flight(OpKind::accept, ShardWorld::listening));
}

TEST(Shard, AReportCountsWhatItHolds) {
  ShardWorld world(world_of(2));
  LineSession& session = world.open(0, socket_a);
  session.link->write("text");
  world.step(0);
  const ShardReport report = world.shard(0).report();
  EXPECT_EQ(report.index, 0u);
  EXPECT_EQ(report.connections_open, 1u);
  EXPECT_EQ(report.buffer_bytes, BufferPool::class_bytes[0]);
  EXPECT_EQ(report.counters.sends, 1u);
}

}  // namespace
}  // namespace ringpost::engine
