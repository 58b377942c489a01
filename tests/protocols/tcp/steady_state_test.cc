// After warm-up the bytes that a relay passes on cost no allocation, in blocks of any size. On a
// shard over a FakeIo, with every operator new and every malloc counted.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "protocols/tcp/relay.h"
#include "tests/engine/shard/count_allocations.h"
#include "tests/engine/shard/shard_world.h"

namespace ringpost::tcp {
namespace {

using engine::allocation_count;
using engine::Bytes;
using engine::Fd;
using engine::OpKind;

class RelaySteadyState : public ::testing::Test {
 protected:
  static constexpr Fd listening = 4;
  static constexpr Fd client = 20;

  RelaySteadyState() {
    RelayOptions relay;
    relay.dial.endpoint = {"192.0.2.1", 7000};
    relay.block_bytes_max = 128 << 10;
    auto pool = std::make_unique<RelayPool>(
        RelayShared{.options = relay, .dialer = world_.shard(0).dialer()});
    world_.shard(0).listen(listening, world_.shard(0).add_service(std::move(pool)));
    world_.io(0).options.keep_output = false;
    world_.io(0).options.complete_sends = true;
    world_.io(0).accepted(listening, client);
    world_.step_all(2);
    upstream_ = world_.io(0).opened.back();
    world_.io(0).connect_ends(upstream_, 0);
    world_.step_all(2);
  }

  void say(Fd socket, std::size_t bytes) {
    const Bytes all(text_.data(), bytes);
    // A block takes what fits; they grow while they are filled.
    for (std::size_t at = 0; at < bytes;) {
      for (int i = 0; i < 5 && !world_.io(0).in_flight(OpKind::receive_once, socket); ++i) {
        world_.step_all();
      }
      const std::size_t piece = std::min(bytes - at, world_.io(0).room(socket));
      world_.io(0).arrive_once(socket, all.substr(at, piece));
      at += piece;
      world_.step_all(2);
    }
  }

  std::size_t allocations(std::size_t bytes) {
    const auto round = [&] {
      say(client, bytes);
      say(upstream_, bytes);
    };
    for (int i = 0; i < 20; ++i) round();
    world_.step_all(2);
    const std::uint64_t output = world_.io(0).output_bytes;
    const std::size_t before = allocation_count();
    for (int i = 0; i < 100; ++i) round();
    world_.step_all(2);
    const std::size_t made = allocation_count() - before;
    EXPECT_EQ(world_.io(0).output_bytes - output, 200 * bytes);
    return made;
  }

  static engine::ShardWorldOptions one_shard() {
    engine::ShardWorldOptions options;
    options.shard_count = 1;
    return options;
  }

  const std::string text_ = std::string(1 << 20, 'x');
  engine::ShardWorld world_{one_shard()};
  Fd upstream_ = engine::no_fd;
};

TEST_F(RelaySteadyState, SmallPiecesCostNoAllocation) { EXPECT_EQ(allocations(64), 0u); }

TEST_F(RelaySteadyState, LargeStreamsCostNoAllocation) { EXPECT_EQ(allocations(1 << 20), 0u); }

}  // namespace
}  // namespace ringpost::tcp
