#include "engine/shard/shard_group.h"

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "engine/io/socket.h"
#include "tests/engine/net/stub_dns.h"

namespace ringpost::engine {
namespace {

ShardGroupOptions small_group(std::uint32_t shard_count) {
  ShardGroupOptions options;
  options.cpus.assign(shard_count, static_cast<std::uint32_t>(::sched_getcpu()));
  options.uring_entries = 64;
  options.completion_entries = 256;
  options.buffer_count = 16;
  options.buffer_bytes = 4096;
  return options;
}

// Tries to reach a host at a port that refuses, once; why it could not goes to a promise.
class Caller final : public Actor, public DialTarget {
 public:
  Caller(Shard& shard, Endpoint endpoint, std::promise<std::string>& failure)
      : options_{.endpoint = std::move(endpoint), .tcp = {}},
        dial_(shard.dialer(), options_, *this),
        failure_(failure) {
    dial_.start();
  }

  void receive(std::span<const Message>) override { FAIL(); }
  Session& open() override {
    ADD_FAILURE() << "connected";
    std::abort();
  }
  void close(Session&) override { FAIL(); }
  void on_dial_failed(const std::string& error, Nanos) override {
    dial_.cancel();
    failure_.set_value(error);
  }

 private:
  DialOptions options_;
  Dial dial_;
  std::promise<std::string>& failure_;
};

// A port that is taken, where nobody listens.
class ClosedPort {
 public:
  ClosedPort() : socket_(*open_stream(*parse_address("127.0.0.1:0"), {})) {
    const SocketAddress any = *parse_address("127.0.0.1:0");
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&any.storage), any.length), 0);
  }
  ~ClosedPort() { ::close(socket_); }
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;

  std::uint16_t port() const { return parse_endpoint(to_text(*local_address(socket_)))->port; }

 private:
  Fd socket_;
};

class ShardGroupResolverTest : public ::testing::Test {
 protected:
  void start(const std::vector<std::string>& host_per_shard) {
    options_.resolver.emplace();
    options_.resolver->lookup.servers = dns_.address();
    options_.resolver->lookup.timeout = 300 * nanos_per_s;
    group_.emplace(options_);
    const auto why = group_->start([&](Shard& shard) {
      const std::uint32_t self = shard.post().shard();
      shard.spawn_at(Shard::slot_actor_first,
                     std::make_unique<Caller>(shard, Endpoint{host_per_shard[self], closed_.port()},
                                              failures_[self]));
    });
    ASSERT_FALSE(why) << *why;
  }
  std::string failure(std::uint32_t shard) { return failures_[shard].get_future().get(); }

  StubDns dns_;
  ClosedPort closed_;
  ShardGroupOptions options_ = small_group(2);
  std::promise<std::string> failures_[2];
  std::optional<ShardGroup> group_;
};

// The ring of the shard that could start was closed by another thread, which ended the process.
TEST(ShardGroupTest, WhatOneShardLacksKeepsTheGroupFromStarting) {
  ShardGroupOptions options = small_group(3);
  options.cpus[1] = 1023;
  ShardGroup group(options);
  const auto why = group.start([](Shard&) { FAIL(); });
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("1023"), std::string::npos) << *why;
}

TEST_F(ShardGroupResolverTest, AnAnswerWakesTheShardThatAsked) {
  dns_.plan("there.test", {StubDns::Mood::answer, {"127.0.0.1"}, {}});
  start({"there.test", "gone.test"});
  const std::string port = std::to_string(closed_.port());
  EXPECT_EQ(failure(0), "cannot connect to there.test:" + port + ": 127.0.0.1:" + port +
                            ": Connection refused");
  EXPECT_EQ(failure(1), "'gone.test' could not be resolved: no such name");
  group_->drain();
  group_->join();
  EXPECT_EQ(group_->resolver_counters().lookups, 2u);
  EXPECT_EQ(group_->resolver_counters().failed, 1u);
}

TEST_F(ShardGroupResolverTest, TheGroupEndsWithALookupUnderWay) {
  dns_.plan("hangs.test", StubDns::Mood::hang);
  start({"hangs.test", "hangs.test"});
  dns_.wait_asked("hangs.test", 1);
  group_->drain();
  EXPECT_EQ(failure(0), "stopping");
  EXPECT_EQ(failure(1), "stopping");
  group_->join();
}

TEST_F(ShardGroupResolverTest, WrongServersKeepTheGroupFromStarting) {
  options_.resolver.emplace();
  options_.resolver->lookup.servers = "nonsense";
  group_.emplace(options_);
  const auto why = group_->start([](Shard&) { FAIL(); });
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("nonsense"), std::string::npos);
}

}  // namespace
}  // namespace ringpost::engine
