// What a shard holds for clients that announce large frames and send little of them (FE-21), and
// that its budget for them is never waited for (X5).

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "engine/net/session_pool.h"
#include "protocols/echo/session.h"
#include "tests/engine/shard/shard_world.h"

namespace ringpost::echo {
namespace {

using engine::Bytes;
using engine::CloseReason;
using engine::Fd;
using namespace std::string_literals;

constexpr int client_count = 1'000;
constexpr std::uint64_t budget_bytes = std::uint64_t{32} << 20;
const std::string announcement = "\0\x80\0\0"s;  // 8 MiB

class EchoMemory : public ::testing::Test {
 protected:
  static constexpr Fd listening = 4;
  static constexpr Fd first_client = 100;

  EchoMemory() {
    using Pool = engine::SessionPool<Session, SessionShared>;
    const SessionOptions options{.framing = {}, .held_bytes_max = budget_bytes};
    auto pool = std::make_unique<Pool>(SessionShared(options));
    world_.shard(0).listen(listening, world_.shard(0).add_service(std::move(pool)));
    world_.io(0).options.complete_sends = true;
    for (int i = 0; i < client_count; ++i) {
      world_.io(0).accepted(listening, first_client + i);
      world_.step(0);
    }
  }

  static engine::ShardWorldOptions one_shard() {
    engine::ShardWorldOptions options;
    options.shard_count = 1;
    return options;
  }

  bool is_open(int client) { return world_.io(0).receiving(first_client + client); }
  void say(int client, Bytes bytes) {
    world_.io(0).arrive(first_client + client, bytes);
    world_.step(0);
  }
  void everybody_says(Bytes bytes) {
    for (int i = 0; i < client_count; ++i) say(i, bytes);
  }
  std::uint64_t held_bytes() { return world_.shard(0).report().buffer_bytes; }
  const engine::Counters& counters() { return world_.shard(0).counters(); }

  engine::ShardWorld world_{one_shard()};
};

TEST_F(EchoMemory, AThousandAnnouncementsOfEightMebibytesHoldByWhatCame) {
  everybody_says(announcement);
  EXPECT_LE(held_bytes(), client_count * 512u);
  const std::string piece(700, 'x');
  for (std::size_t came = announcement.size(); came < 6'000;) {
    everybody_says(piece);
    came += piece.size();
    EXPECT_GE(held_bytes(), client_count * came);
    EXPECT_LE(held_bytes(), client_count * std::max<std::size_t>(512, 5 * came));
  }
  EXPECT_EQ(world_.shard(0).report().connections_open, static_cast<unsigned>(client_count));
  EXPECT_EQ(counters().limit_held_frames, 0u);
}

TEST_F(EchoMemory, TheBudgetEndsThoseWhoNeedMoreAndNobodyElse) {
  std::string begin = announcement;
  begin.resize(16 << 10, 'x');
  const std::string piece(16 << 10, 'x');
  for (int i = 1; i < client_count; ++i) {
    say(i, begin);
    for (int n = 0; n < 7 && is_open(i); ++n) say(i, piece);
    ASSERT_LE(held_bytes(), budget_bytes + client_count * FrameBudget::free_bytes);
  }
  EXPECT_GE(counters().limit_held_frames, 500u);
  // Those that were ended have let go of what they held; the others' frames wait for their rest.
  EXPECT_GE(held_bytes(), budget_bytes / 2);
  // Who sends small frames, in pieces even, does not feel it.
  const std::string small = "\0\0\x1f\x40"s + std::string(8'000, 's');
  say(0, Bytes(small).substr(0, 5'000));
  say(0, Bytes(small).substr(5'000));
  world_.step_all(2);
  EXPECT_TRUE(world_.io(0).output[first_client] == small);
  // The peers of those that were ended close; that is what they are counted as.
  const std::uint64_t ended = counters().limit_held_frames;
  for (int i = 1; i < client_count; ++i) {
    if (world_.io(0).is_shut_down(first_client + i, engine::Shutdown::send)) {
      world_.io(0).fin(first_client + i);
      world_.step(0);
    }
  }
  world_.step_all(3);
  EXPECT_EQ(counters().closed[static_cast<std::size_t>(CloseReason::over_budget)], ended);
}

}  // namespace
}  // namespace ringpost::echo
