#include "protocols/chat/room.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocols/chat/branch.h"
#include "tests/engine/net/test_link.h"

namespace ringpost::chat {
namespace {

using engine::ActorRef;
using engine::Bytes;
using engine::LinkWorld;
using engine::Message;

// A room on shard 0 with branches on three shards; it holds back its senders above 4 runs.
class RoomTest : public ::testing::Test {
 protected:
  static constexpr std::size_t waiting_max = 4;

  RoomTest() {
    std::vector<ActorRef> branches;
    for (std::uint32_t shard = 0; shard < 3; ++shard) branches.push_back(branch(shard));
    room_ = std::make_unique<Room>(Room::Parts{world_.post, timers_, world_.counters, world_.now},
                                   branches, waiting_max);
  }
  ~RoomTest() override {
    for (std::uint32_t shard = 0; shard < 3; ++shard) drain_lane(shard);
  }

  static ActorRef branch(std::uint32_t shard) { return ActorRef::actor(shard, 3, 1); }
  static ActorRef session(std::uint32_t shard) { return ActorRef::session(shard, 8, 1); }

  void receive(const Message& message) { room_->receive({&message, 1}); }
  void join(std::uint32_t shard) {
    Message message{};
    message.kind = kind_join;
    message.to = self_;
    message.from = session(shard);
    message.is_ask = true;
    receive(message);
  }
  void close(std::uint32_t shard) {
    Message message{};
    message.kind = kind_branch_close;
    message.from = branch(shard);
    receive(message);
  }
  void post(Bytes lines, ActorRef origin) {
    Message message{};
    message.kind = kind_post;
    message.to = self_;
    message.from = origin;
    message.put_payload(world_.payloads.make(lines));
    receive(message);
  }
  void advance() {
    world_.now += 2 * engine::nanos_per_ms;
    timers_.advance(world_.now, SIZE_MAX, [](engine::TimerNode& node) { node.target->on_time(); });
  }

  // What waits for a shard, as text: kinds, and runs with their lines.
  std::string drain_lane(std::uint32_t shard) {
    std::string text;
    for (const Message& message : world_.post.queue(shard).items()) {
      if (message.kind == kind_run) {
        EXPECT_EQ(message.to, branch(shard));
        text += engine::take_payload(message).bytes();
        origins_.push_back(run_origin(message));
      } else if (message.kind == kind_joined) {
        EXPECT_EQ(message.to, session(shard));
        text += "joined ";
      } else {
        EXPECT_EQ(message.to, branch(shard));
        text += message.kind == kind_hold ? "hold " : "go_on ";
      }
    }
    world_.post.queue(shard).clear();
    return text;
  }

  LinkWorld world_{0, 3};
  engine::TimerWheel timers_{world_.now};
  ActorRef self_ = ActorRef::actor(0, 2, 1);
  std::vector<ActorRef> origins_;
  std::unique_ptr<Room> room_;
};

TEST_F(RoomTest, RunsGoInOneOrderToBranchesThatHaveMembers) {
  join(0);
  join(2);
  post("1 ", session(2));
  post("2 ", session(0));
  EXPECT_EQ(drain_lane(0), "joined 1 2 ");
  EXPECT_EQ(drain_lane(1), "");
  EXPECT_EQ(drain_lane(2), "joined 1 2 ");
  EXPECT_EQ(origins_, (std::vector<ActorRef>{session(2), session(0), session(2), session(0)}));
}

TEST_F(RoomTest, ABranchThatJoinsGetsWhatIsPostedLaterBehindTheAnswer) {
  join(0);
  post("before ", session(0));
  join(1);
  post("after ", session(0));
  EXPECT_EQ(drain_lane(1), "joined after ");
}

TEST_F(RoomTest, ABranchThatClosedGetsNothingUntilItJoinsAgain) {
  join(1);
  close(1);
  post("unheard ", session(0));
  join(1);
  post("heard ", session(0));
  EXPECT_EQ(drain_lane(1), "joined joined heard ");
}

TEST_F(RoomTest, WithoutMembersAnywhereARunIsReleased) { post("unheard", session(0)); }

TEST_F(RoomTest, AboveItsMarkItHoldsTheSendersOfAllShardsAndThenLetsThemGoOn) {
  join(1);
  drain_lane(1);
  world_.post.set_full(1, true);  // the lane to shard 1 is full
  for (std::size_t i = 0; i < waiting_max; ++i) post("x", session(0));
  EXPECT_EQ(world_.counters.limit_room_spill, 0u);
  post("x", session(0));
  EXPECT_EQ(world_.counters.limit_room_spill, 1u);
  EXPECT_EQ(drain_lane(0), "hold ");
  EXPECT_EQ(drain_lane(2), "hold ");

  advance();  // nothing left the queue of shard 1
  EXPECT_EQ(drain_lane(0), "");
  post("y", session(0));  // what was on its way still comes, and holds nobody twice
  EXPECT_EQ(drain_lane(1), "xxxxxhold y");
  advance();
  for (std::uint32_t shard = 0; shard < 3; ++shard) EXPECT_EQ(drain_lane(shard), "go_on ");
  EXPECT_EQ(world_.counters.limit_room_spill, 1u);
}

// Story: what a turn gathered for a lane counted as waiting for it, although the lane was not full
// and took it all at the end of the turn. More senders than the mark, each with one run in a turn,
// were held back for a millisecond, turn after turn.
TEST_F(RoomTest, WhatWaitsOnlyForTheEndOfTheTurnHoldsNobody) {
  join(1);
  for (int i = 0; i < 100; ++i) post("x", session(0));
  EXPECT_EQ(world_.counters.limit_room_spill, 0u);
  EXPECT_EQ(drain_lane(0), "");
  EXPECT_EQ(drain_lane(1), "joined " + std::string(100, 'x'));
}

// Story: orders that flooded the lane to the same shard counted as lines of the chat, and its
// senders were held back as long as the flood lasted.
TEST_F(RoomTest, OnlyItsOwnRunsHoldItsSenders) {
  join(1);
  drain_lane(1);
  const ActorRef other = ActorRef::actor(1, 2, 1);
  engine::MessageQueue& queue = world_.post.queue(1);
  world_.post.set_full(1, true);
  // A few of them always stand among many messages of others, and never does the queue run empty.
  std::size_t runs_left = 0;
  for (int lap = 0; lap < 100; ++lap) {
    for (int i = 0; i < 20; ++i) world_.post.tell(other, ActorRef(), kind_run);
    post("x", session(0));
    while (queue.size() > 21) {
      const Message& message = queue.items().front();
      if (message.to == branch(1)) {
        engine::take_payload(message).reset();
        ++runs_left;
      }
      queue.pop(1);
    }
  }
  EXPECT_EQ(runs_left, 99u);
  EXPECT_EQ(world_.counters.limit_room_spill, 0u);

  for (std::size_t i = 0; i < waiting_max; ++i) post("x", session(0));
  EXPECT_EQ(world_.counters.limit_room_spill, 1u);
  for (const Message& message : queue.items()) {
    if (message.holds == engine::Holds::payload) engine::take_payload(message).reset();
  }
  queue.clear();
}

TEST_F(RoomTest, ItsOwnShardIsNeverWaitedFor) {
  join(0);
  world_.post.set_full(1, true);
  for (int i = 0; i < 100; ++i) post("x", session(0));
  EXPECT_EQ(world_.counters.limit_room_spill, 0u);
}

}  // namespace
}  // namespace ringpost::chat
