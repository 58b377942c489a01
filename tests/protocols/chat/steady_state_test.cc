// After warm-up a line to 16 members on two shards costs no allocation: every operator new and
// every malloc is counted.

#include <gtest/gtest.h>

#include <string>

#include "engine/net/session_pool.h"
#include "protocols/chat/room.h"
#include "protocols/chat/session.h"
#include "tests/engine/shard/count_allocations.h"
#include "tests/engine/shard/shard_world.h"

namespace ringpost::chat {
namespace {

using engine::ActorRef;
using engine::allocation_count;
using engine::Fd;

class ChatSteadyState : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  static constexpr Fd listening = 4;
  static constexpr std::uint32_t slot_room = 6;
  static constexpr std::uint32_t slot_branch = 7;
  static constexpr Fd members_per_shard = 8;

  // `turn_bytes_max` is of each branch's log.
  explicit ChatSteadyState(std::uint64_t turn_bytes_max = 256 * 1024) {
    const ActorRef room = ActorRef::actor(1, slot_room, 1);
    const std::vector<ActorRef> branches = {ActorRef::actor(0, slot_branch, 1),
                                            ActorRef::actor(1, slot_branch, 1)};
    engine::Shard& home = world_.shard(1);
    home.spawn_at(slot_room, std::make_unique<Room>(Room::Parts{home.post(), home.timers(),
                                                                home.counters(), home.now()},
                                                    branches, 1024));
    for (std::uint32_t i = 0; i < 2; ++i) wire(i, room, turn_bytes_max);
    world_.step_all(5);
  }

  void wire(std::uint32_t i, ActorRef room, std::uint64_t turn_bytes_max) {
    engine::Shard& shard = world_.shard(i);
    auto branch = std::make_unique<Branch>(ActorRef::actor(i, slot_branch, 1), room, shard.post(),
                                           shard.fan_out(), turn_bytes_max);
    const SessionShared shared{.options = {}, .branch = *branch};
    shard.spawn_at(slot_branch, std::move(branch));
    using Pool = engine::SessionPool<Session, SessionShared>;
    shard.listen(listening, shard.add_service(std::make_unique<Pool>(shared)));
    world_.io(i).options.keep_output = false;
    world_.io(i).options.complete_sends = true;
    for (Fd member = 0; member < members_per_shard; ++member) {
      world_.io(i).accepted(listening, 20 + member);
      world_.step(i);
      world_.io(i).arrive(20 + member, "nick" + std::to_string(member) + "\r\n");
      world_.step(i);
    }
  }

  engine::ShardWorld world_;
};

TEST_P(ChatSteadyState, ALineToSixteenMembersCostsNoAllocation) {
  std::string lines;
  for (int i = 0; i < 20; ++i) lines += std::string(64, 'x') + "\r\n";
  const std::uint64_t got_per_line = 64 + 9;  // "nick0: " and CR LF
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      world_.io(GetParam()).arrive(20, lines);
      world_.step_all(4);
    }
  };
  rounds(200);
  std::uint64_t before[2] = {world_.io(0).output_bytes, world_.io(1).output_bytes};
  const std::size_t allocations_before = allocation_count();
  rounds(1000);
  EXPECT_EQ(allocation_count(), allocations_before);
  // Everybody but the sender got every line.
  for (std::uint32_t i = 0; i < 2; ++i) {
    const std::uint64_t readers = members_per_shard - (i == GetParam() ? 1 : 0);
    EXPECT_EQ(world_.io(i).output_bytes - before[i], readers * 1000 * 20 * got_per_line);
  }
}

TEST_P(ChatSteadyState, LinesOfAllMembersCostNoAllocation) {
  const std::string lines = std::string(64, 'x') + "\r\n" + std::string(20, 'y') + "\r\n";
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      for (Fd member = 0; member < members_per_shard; ++member) {
        world_.io(0).arrive(20 + member, lines);
        world_.io(1).arrive(20 + member, lines);
      }
      world_.step_all(4);
    }
  };
  rounds(200);
  const std::size_t before = allocation_count();
  rounds(500);
  EXPECT_EQ(allocation_count(), before);
}

class ChatSteadyStateSmallShare : public ChatSteadyState {
 protected:
  ChatSteadyStateSmallShare() : ChatSteadyState(1000) {}
};

// Three of each round's eight runs fit into a turn's share; the others wait in the log.
TEST_P(ChatSteadyStateSmallShare, RunsThatWaitForTheNextTurnCostNoAllocation) {
  const std::string lines = std::string(400, 'x') + "\r\n";
  int turns_with_runs_left = 0;
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      for (Fd member = 0; member < members_per_shard; ++member) {
        world_.io(GetParam()).arrive(20 + member, lines);
      }
      for (int j = 0; j < 8; ++j) {
        world_.step_all();
        if (world_.shard(0).fan_out().end_input) ++turns_with_runs_left;
      }
    }
  };
  rounds(200);
  turns_with_runs_left = 0;
  const std::size_t before = allocation_count();
  rounds(500);
  EXPECT_EQ(allocation_count(), before);
  EXPECT_GE(turns_with_runs_left, 500);
}

// The room is on shard 1.
INSTANTIATE_TEST_SUITE_P(SenderOnShard, ChatSteadyStateSmallShare, ::testing::Values(0));
INSTANTIATE_TEST_SUITE_P(SenderOnShard, ChatSteadyState, ::testing::Values(0, 1));

}  // namespace
}  // namespace ringpost::chat
