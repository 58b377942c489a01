// After warm-up an order costs no allocation, wherever the book is and however long the ticker. On
// two shards over FakeIos, with every operator new and every malloc counted.

#include <gtest/gtest.h>

#include <string>

#include "engine/net/session_pool.h"
#include "protocols/orders/order_book.h"
#include "protocols/orders/session.h"
#include "tests/engine/shard/count_allocations.h"
#include "tests/engine/shard/shard_world.h"

namespace ringpost::orders {
namespace {

using engine::allocation_count;
using engine::Fd;

class OrdersSteadyState : public ::testing::Test {
 protected:
  static constexpr Fd listening = 4;
  static constexpr Fd client = 20;
  static constexpr std::uint32_t slot_book = 6;

  explicit OrdersSteadyState(std::size_t tickers_max = HoldingsOptions().tickers_max) {
    HoldingsOptions holdings;
    holdings.cap = 1e30f;
    holdings.tickers_max = tickers_max;
    world_.shard(0).spawn_at(
        slot_book,
        std::make_unique<OrderBook>(holdings, world_.shard(0).post(), world_.shard(0).payloads()));
    SessionShared shared;
    shared.options.book = engine::ActorRef::actor(0, slot_book, 1);
    for (std::uint32_t i = 0; i < 2; ++i) {
      using Pool = engine::SessionPool<Session, SessionShared>;
      const std::uint32_t service = world_.shard(i).add_service(std::make_unique<Pool>(shared));
      world_.shard(i).listen(listening, service);
      world_.io(i).accepted(listening, client);
      world_.io(i).options.keep_output = false;
      world_.io(i).options.complete_sends = true;
    }
    world_.step_all(2);
  }

  // The allocations of many rounds after many rounds of warm-up, in each of which the client of
  // `shard` sends this.
  std::size_t allocations(std::uint32_t shard, const std::string& input) {
    const auto rounds = [&](int count) {
      for (int i = 0; i < count; ++i) {
        ASSERT_TRUE(world_.io(shard).receiving(client));
        world_.io(shard).arrive(client, input);
        world_.step_all(3);
        // A window that was full takes the receive back and starts it again.
        for (int j = 0; j < 50 && !world_.io(shard).receiving(client); ++j) world_.step_all();
      }
    };
    rounds(100);
    const std::uint64_t output = world_.io(shard).output_bytes;
    const std::uint64_t requests = world_.shard(shard).counters().requests;
    const std::size_t before = allocation_count();
    rounds(500);
    const std::size_t made = allocation_count() - before;
    EXPECT_GT(world_.io(shard).output_bytes, output);
    EXPECT_GE(world_.shard(shard).counters().requests, requests + 500);
    return made;
  }

  engine::ShardWorld world_;
};

std::string many(const std::string& line, int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += line;
  return lines;
}

TEST_F(OrdersSteadyState, TheCounterCounts) {
  const std::size_t before = allocation_count();
  void* volatile memory = std::malloc(100);  // else the compiler sees through it
  std::free(memory);
  std::string* volatile text = new std::string(100, 'x');
  delete text;
  EXPECT_EQ(allocation_count(), before + 3);
}

class OrdersSteadyStateOf : public OrdersSteadyState,
                            public ::testing::WithParamInterface<std::uint32_t> {};

TEST_P(OrdersSteadyStateOf, GetsCostNoAllocation) {
  EXPECT_EQ(allocations(GetParam(), many("GET\n", 64)), 0u);
}

TEST_P(OrdersSteadyStateOf, BuysAndGetsCostNoAllocation) {
  EXPECT_EQ(allocations(GetParam(), many(many("BUY;1;BYND\n", 15) + "GET\n", 16)), 0u);
}

TEST_P(OrdersSteadyStateOf, LongTickersCostNoAllocation) {
  const std::string ticker(64, 'T');
  EXPECT_EQ(allocations(GetParam(), many(many("BUY;1;" + ticker + "\n", 15) + "GET\n", 4)), 0u);
}

TEST_P(OrdersSteadyStateOf, ErrorsBehindSilentBuysCostNoAllocation) {
  EXPECT_EQ(allocations(GetParam(), many("BUY;1;BYND\nSELL\nBUY;x;BYND\nGET\n", 50)), 0u);
}

class OrdersSteadyStateFullBook : public OrdersSteadyState,
                                  public ::testing::WithParamInterface<std::uint32_t> {
 protected:
  OrdersSteadyStateFullBook() : OrdersSteadyState(1) {}
};

// Each is word about a silent request, which has to find its place between the answers.
TEST_P(OrdersSteadyStateFullBook, ObjectionsCostNoAllocation) {
  EXPECT_EQ(allocations(GetParam(), many("BUY;1;BYND\nGET\nBUY;1;PLTR\nBUY;1;ABCD\n", 100)), 0u);
}

// The book is on shard 0.
INSTANTIATE_TEST_SUITE_P(LocalAndRemote, OrdersSteadyStateFullBook, ::testing::Values(0, 1));
INSTANTIATE_TEST_SUITE_P(LocalAndRemote, OrdersSteadyStateOf, ::testing::Values(0, 1));

}  // namespace
}  // namespace ringpost::orders
