#include "engine/shard/mesh.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/shard/balance.h"
#include "engine/shard/turn_times.h"

namespace ringpost::engine {
namespace {

Message numbered(std::uint64_t token) {
  Message message{};
  message.token = token;
  return message;
}

TEST(Mesh, EachOrderedPairHasALaneOfItsOwn) {
  Mesh mesh(3, 4);
  std::vector<MeshPort> ports;
  for (std::uint32_t i = 0; i < 3; ++i) ports.push_back(mesh.take_port(i));
  for (std::uint32_t source = 0; source < 3; ++source) {
    EXPECT_FALSE(ports[source].to[source]);
    EXPECT_FALSE(ports[source].from[source]);
    for (std::uint32_t target = 0; target < 3; ++target) {
      if (source == target) continue;
      ASSERT_TRUE(ports[source].to[target]->try_push(numbered(source * 10 + target)));
    }
  }
  for (std::uint32_t target = 0; target < 3; ++target) {
    for (std::uint32_t source = 0; source < 3; ++source) {
      if (source == target) continue;
      Message got;
      ASSERT_TRUE(ports[target].from[source]->try_pop(got));
      EXPECT_EQ(got.token, source * 10 + target);
      EXPECT_TRUE(ports[target].from[source]->empty());
    }
  }
}

TEST(Mesh, OfOneShardHasNoLanes) {
  Mesh mesh(1, 4);
  const MeshPort port = mesh.take_port(0);
  EXPECT_FALSE(port.to[0]);
  EXPECT_FALSE(port.from[0]);
}

TEST(Mesh, WhatIsLeftInLanesAndInboxesIsDisposedOf) {
  PayloadPool payloads;  // asserts at its end that every payload came back
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    Mesh mesh(2, 4);
    {
      MeshPort port = mesh.take_port(0);
      Message with_payload{};
      with_payload.put_payload(payloads.make("text"));
      ASSERT_TRUE(port.to[1]->try_push(with_payload));
    }
    Message with_descriptor{};
    with_descriptor.put(ends[0]);
    with_descriptor.holds = Holds::descriptor;
    mesh.inbox(1).push(with_descriptor);
  }
  EXPECT_EQ(::fcntl(ends[0], F_GETFD), -1);
  EXPECT_EQ(::fcntl(ends[1], F_GETFD), 0);
  ::close(ends[1]);
}

TEST(Inbox, TakesFromTheFrontInPortions) {
  Inbox inbox;
  EXPECT_TRUE(inbox.empty());
  for (std::uint64_t i = 0; i < 5; ++i) inbox.push(numbered(i));
  EXPECT_FALSE(inbox.empty());
  Message batch[3];
  ASSERT_EQ(inbox.pop(batch), 3u);
  EXPECT_EQ(batch[2].token, 2u);
  ASSERT_EQ(inbox.pop(batch), 2u);
  EXPECT_EQ(batch[0].token, 3u);
  EXPECT_EQ(inbox.pop(batch), 0u);
  EXPECT_TRUE(inbox.empty());
}

TEST(Balance, AssignsToTheLeastLoaded) {
  Balance balance(3);
  EXPECT_EQ(balance.assign(), 0u);
  EXPECT_EQ(balance.assign(), 1u);
  EXPECT_EQ(balance.assign(), 2u);
  EXPECT_EQ(balance.assign(), 0u);
  EXPECT_EQ(balance.total(), 4u);
  balance.ended(1, 1);
  EXPECT_EQ(balance.assign(), 1u);
  balance.ended(2, 1);
  balance.assign_to(2);
  balance.ended(0, 2);
  EXPECT_EQ(balance.assign(), 0u);
  EXPECT_EQ(balance.total(), 3u);
}

TEST(BalanceDeathTest, NoMoreEndThanWereAssigned) {
  Balance balance(2);
  balance.assign_to(1);
  EXPECT_DEATH(balance.ended(1, 2), "assertion failed");
}

TEST(TurnTimes, BucketsArePowersOfTwoMicroseconds) {
  TurnTimes times;
  times.record(0);
  times.record(999);                     // below 1 us
  times.record(1 * nanos_per_us);        // below 2 us
  times.record(3 * nanos_per_us + 999);  // below 4 us
  times.record(4 * nanos_per_us);        // below 8 us
  times.record(3600 * nanos_per_s);      // the rest
  times.record(-5);                      // a clock that a test moved: counts as none
  EXPECT_EQ(times.turns[0], 3u);
  EXPECT_EQ(times.turns[1], 1u);
  EXPECT_EQ(times.turns[2], 1u);
  EXPECT_EQ(times.turns[3], 1u);
  EXPECT_EQ(times.turns[TurnTimes::bucket_count - 1], 1u);
  EXPECT_EQ(times.longest, 3600 * nanos_per_s);
}

}  // namespace
}  // namespace ringpost::engine
