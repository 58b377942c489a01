// After warm-up the echoes cost no allocation, whatever the size of the frames and however they are
// cut. On a shard over a FakeIo, with every operator new and every malloc counted.

#include <gtest/gtest.h>

#include <string>

#include "engine/net/session_pool.h"
#include "protocols/echo/session.h"
#include "protocols/tcp/echo_session.h"
#include "tests/engine/shard/count_allocations.h"
#include "tests/engine/shard/shard_world.h"

namespace ringpost::echo {
namespace {

using engine::allocation_count;
using engine::Bytes;
using engine::Fd;

class EchoSteadyState : public ::testing::Test {
 protected:
  static constexpr Fd frames_listening = 4, frames_client = 20;
  static constexpr Fd bytes_listening = 5, bytes_client = 21;

  EchoSteadyState() {
    using FramesPool = engine::SessionPool<Session, SessionShared>;
    using BytesPool = engine::SessionPool<tcp::EchoSession, tcp::EchoShared>;
    serve(std::make_unique<FramesPool>(SessionShared(SessionOptions{})), frames_listening,
          frames_client);
    serve(std::make_unique<BytesPool>(tcp::EchoShared()), bytes_listening, bytes_client);
    world_.io(0).options.keep_output = false;
    world_.io(0).options.complete_sends = true;
    world_.step_all(2);
  }

  void serve(std::unique_ptr<engine::Service> service, Fd listening, Fd client) {
    world_.shard(0).listen(listening, world_.shard(0).add_service(std::move(service)));
    world_.io(0).accepted(listening, client);
  }

  void say(Fd client, Bytes input, std::size_t piece) {
    for (std::size_t at = 0; at < input.size(); at += piece) {
      // A full output takes the receive back and starts it again.
      for (int i = 0; i < 50 && !world_.io(0).receiving(client); ++i) world_.step_all();
      ASSERT_TRUE(world_.io(0).receiving(client));
      world_.io(0).arrive(client, input.substr(at, piece));
      world_.step_all(2);
    }
    world_.step_all(2);
  }

  // The allocations of many rounds after many rounds of warm-up, in each of which the client sends
  // this in such pieces.
  std::size_t allocations(Fd client, const std::string& input, std::size_t piece) {
    for (int i = 0; i < 20; ++i) say(client, input, piece);
    const std::uint64_t output = world_.io(0).output_bytes;
    const std::size_t before = allocation_count();
    for (int i = 0; i < 100; ++i) say(client, input, piece);
    const std::size_t made = allocation_count() - before;
    EXPECT_EQ(world_.io(0).output_bytes - output, 100 * input.size());
    return made;
  }

  static engine::ShardWorldOptions one_shard() {
    engine::ShardWorldOptions options;
    options.shard_count = 1;
    return options;
  }

  engine::ShardWorld world_{one_shard()};
};

std::string frames_of(std::size_t payload, int count) {
  std::string frames;
  for (int i = 0; i < count; ++i) {
    for (int shift = 24; shift >= 0; shift -= 8) frames += static_cast<char>(payload >> shift);
    frames.append(payload, 'x');
  }
  return frames;
}

TEST_F(EchoSteadyState, SmallFramesCostNoAllocation) {
  EXPECT_EQ(allocations(frames_client, frames_of(64, 100), 16 << 10), 0u);
}

TEST_F(EchoSteadyState, FramesThatAreCutCostNoAllocation) {
  EXPECT_EQ(allocations(frames_client, frames_of(64, 20), 15), 0u);
}

TEST_F(EchoSteadyState, LargeFramesCostNoAllocation) {
  EXPECT_EQ(allocations(frames_client, frames_of(1 << 20, 1), 16 << 10), 0u);
}

TEST_F(EchoSteadyState, RawBytesCostNoAllocation) {
  EXPECT_EQ(allocations(bytes_client, std::string(10'000, 'x'), 3'000), 0u);
}

}  // namespace
}  // namespace ringpost::echo
