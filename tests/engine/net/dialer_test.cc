// The dialer on a hand-driven Io, with a resolver that answers when it is told to.

#include "engine/net/dialer.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "engine/io/socket.h"
#include "tests/engine/net/net_world.h"

namespace ringpost::engine {
namespace {

class Target final : public DialTarget {
 public:
  explicit Target(LineService& lines) : lines_(lines) {}
  Session& open() override {
    ++connected;
    return lines_.open();
  }
  void close(Session& session) override { lines_.close(session); }
  void on_dial_failed(const std::string& error, Nanos retry_in) override {
    errors.push_back(error);
    delays.push_back(retry_in);
    if (cancel_on_failure != nullptr) cancel_on_failure->cancel();
  }

  int connected = 0;
  std::vector<std::string> errors;
  std::vector<Nanos> delays;
  Dial* cancel_on_failure = nullptr;

 private:
  LineService& lines_;
};

class DialerTest : public ::testing::Test {
 protected:
  // What was connected belongs to `target`, and ends before it does.
  ~DialerTest() override { world.end(); }
  void pass(Nanos nanos) { world.pass_time(nanos); }
  Fd last_opened() const { return world.io.opened.back(); }
  std::string target_of(Fd socket) const {
    return to_text(world.io.operation(OpKind::connect, socket).address);
  }
  NetWorld world;
  TableResolver& resolver = world.resolver;
  Dialer& dialer = world.dialer;
  DialOptions options{.endpoint = {"upstream.test", 7000}, .tcp = {}};
  Target target{world.service};
  Dial dial{dialer, options, target};
};

TEST_F(DialerTest, ANameIsLookedUpAndItsFirstAddressConnected) {
  dial.start();
  ASSERT_EQ(resolver.questions.size(), 1u);
  EXPECT_EQ(resolver.questions[0].host, "upstream.test");
  EXPECT_EQ(resolver.questions[0].port, 7000);
  world.resolved(0, {"10.0.0.1:7000", "10.0.0.2:7000"});
  EXPECT_EQ(target_of(last_opened()), "10.0.0.1:7000");
  world.connect_ends(0);
  EXPECT_EQ(target.connected, 1);
  EXPECT_FALSE(dial.under_way());
  EXPECT_TRUE(world.io.receiving(last_opened()));
  EXPECT_EQ(world.counters.dials, 1u);
  EXPECT_EQ(world.counters.dials_connected, 1u);
  EXPECT_EQ(world.counters.dials_failed, 0u);
  EXPECT_TRUE(target.errors.empty());
}

TEST_F(DialerTest, ANumericAddressNeedsNoLookup) {
  for (const char* host : {"192.0.2.1", "2001:db8::1"}) {
    const DialOptions numeric{.endpoint = {host, 80}, .tcp = {}};
    Dial other(dialer, numeric, target);
    other.start();
    EXPECT_EQ(target_of(last_opened()), to_text(numeric.endpoint));
    world.connect_ends(0);
  }
  EXPECT_TRUE(resolver.questions.empty());
  EXPECT_EQ(target.connected, 2);
}

TEST_F(DialerTest, AllAddressesAreTriedInOrderAndTheLastErrorIsTold) {
  dial.start();
  world.resolved(0, {"[2001:db8::1]:7000", "10.0.0.2:7000", "10.0.0.3:7000"});
  EXPECT_EQ(target_of(last_opened()), "[2001:db8::1]:7000");
  world.connect_ends(-ENETUNREACH);
  EXPECT_TRUE(world.io.is_closed(world.io.opened[0]));
  EXPECT_EQ(target_of(last_opened()), "10.0.0.2:7000");
  world.connect_ends(-ECONNREFUSED);
  EXPECT_TRUE(target.errors.empty());
  EXPECT_EQ(target_of(last_opened()), "10.0.0.3:7000");
  world.connect_ends(-ECONNREFUSED);
  ASSERT_EQ(target.errors.size(), 1u);
  EXPECT_EQ(target.errors[0],
            "cannot connect to upstream.test:7000: 10.0.0.3:7000: Connection refused");
  EXPECT_EQ(world.io.closed.size(), 3u);
  EXPECT_EQ(world.counters.dials_failed, 1u);
}

TEST_F(DialerTest, ALaterAddressMayAnswer) {
  dial.start();
  world.resolved(0, {"10.0.0.1:7000", "10.0.0.2:7000"});
  world.connect_ends(-ECONNREFUSED);
  world.connect_ends(0);
  EXPECT_EQ(target.connected, 1);
  EXPECT_TRUE(target.errors.empty());
}

TEST_F(DialerTest, EachAttemptLooksTheNameUpAnew) {
  dial.start();
  world.resolved(0, {"10.0.0.1:7000"});
  world.connect_ends(-ECONNREFUSED);
  ASSERT_EQ(target.delays.size(), 1u);
  EXPECT_GE(target.delays[0], 50 * nanos_per_ms);
  EXPECT_LE(target.delays[0], 100 * nanos_per_ms);
  EXPECT_EQ(resolver.questions.size(), 1u);
  pass(101 * nanos_per_ms);
  ASSERT_EQ(resolver.questions.size(), 2u);
  world.resolved(1, {"10.9.9.9:7000"});
  EXPECT_EQ(target_of(last_opened()), "10.9.9.9:7000");
}

TEST_F(DialerTest, DelaysDoubleUpToTheirBound) {
  dial.start();
  Nanos ceiling = 100 * nanos_per_ms;
  for (std::size_t i = 0; i < 15; ++i) {
    ASSERT_EQ(resolver.questions.size(), i + 1);
    world.resolved(i, {}, "no such name");
    ASSERT_EQ(target.delays.size(), i + 1);
    EXPECT_GE(target.delays[i], ceiling / 2);
    EXPECT_LE(target.delays[i], ceiling);
    pass(target.delays[i] + nanos_per_ms);
    ceiling = std::min(ceiling * 2, 30 * nanos_per_s);
  }
  EXPECT_EQ(world.counters.lookups_failed, 15u);
}

TEST_F(DialerTest, AfterAConnectionThatLivedLongTheDelaysStartOver) {
  dial.start();
  for (std::size_t i = 0; i < 5; ++i) {
    world.resolved(i, {}, "no such name");
    pass(target.delays[i] + nanos_per_ms);
  }
  world.resolved(5, {"10.0.0.1:7000"});
  world.connect_ends(0);
  dial.on_ended(9 * nanos_per_s);
  dial.start();
  EXPECT_EQ(resolver.questions.size(), 6u);  // it waits: the connection ended early
  pass(100 * nanos_per_ms);
  EXPECT_EQ(resolver.questions.size(), 6u);
  pass(4 * nanos_per_s);
  EXPECT_EQ(resolver.questions.size(), 7u);
  world.resolved(6, {"10.0.0.1:7000"});
  world.connect_ends(0);
  dial.on_ended(10 * nanos_per_s);
  dial.start();
  pass(101 * nanos_per_ms);
  EXPECT_EQ(resolver.questions.size(), 8u);
}

TEST_F(DialerTest, AnAddressThatDoesNotAnswerIsGivenUpInTime) {
  dial.start();
  world.resolved(0, {"10.0.0.1:7000", "10.0.0.2:7000"});
  const Fd silent = last_opened();
  pass(options.connect_timeout - 10 * nanos_per_ms);
  EXPECT_FALSE(world.io.cancel_asked(OpKind::connect, silent));
  pass(20 * nanos_per_ms);
  EXPECT_TRUE(world.io.cancel_asked(OpKind::connect, silent));
  world.connect_ends(-ECANCELED);
  EXPECT_TRUE(world.io.is_closed(silent));
  world.connect_ends(-ECONNREFUSED);
  EXPECT_EQ(target.errors.size(), 1u);
}

TEST_F(DialerTest, TheErrorOfASilentAddressSaysSo) {
  dial.start();
  world.resolved(0, {"10.0.0.1:7000"});
  pass(options.connect_timeout + nanos_per_ms);
  world.connect_ends(-ECANCELED);
  ASSERT_EQ(target.errors.size(), 1u);
  EXPECT_NE(target.errors[0].find("timed out"), std::string::npos) << target.errors[0];
}

TEST_F(DialerTest, CancelledWhileResolvingTheAnswerIsDropped) {
  dial.start();
  dial.cancel();
  world.resolved(0, {"10.0.0.1:7000"});
  EXPECT_TRUE(world.io.opened.empty());
  // A later dial in the same place does not take it either.
  dial.start();
  world.resolved(0, {"10.0.0.1:7000"});
  EXPECT_TRUE(world.io.opened.empty());
  world.resolved(1, {"10.0.0.2:7000"});
  EXPECT_EQ(world.io.opened.size(), 1u);
}

TEST_F(DialerTest, CancelledWhileConnectingTheSocketIsClosedWhateverCameOfIt) {
  for (const std::int32_t result : {0, -ECANCELED, -ECONNREFUSED}) {
    dial.start();
    world.resolved(resolver.questions.size() - 1, {"10.0.0.1:7000"});
    dial.cancel();
    EXPECT_TRUE(world.io.cancel_asked(OpKind::connect, last_opened()));
    EXPECT_FALSE(dialer.idle());
    world.connect_ends(result);
    EXPECT_TRUE(world.io.is_closed(last_opened()));
    EXPECT_TRUE(dialer.idle());
  }
  EXPECT_EQ(target.connected, 0);
  EXPECT_TRUE(target.errors.empty());
}

TEST_F(DialerTest, CancelledWhileWaitingNothingComes) {
  dial.start();
  world.resolved(0, {}, "no such name");
  dial.cancel();
  pass(60 * nanos_per_s);
  EXPECT_EQ(resolver.questions.size(), 1u);
}

TEST_F(DialerTest, TheTargetMayCancelWhenItHearsOfAFailure) {
  target.cancel_on_failure = &dial;
  dial.start();
  world.resolved(0, {}, "no such name");
  EXPECT_FALSE(dial.under_way());
  pass(60 * nanos_per_s);
  EXPECT_EQ(target.errors, std::vector<std::string>{"no such name"});
}

TEST_F(DialerTest, AFailureWithinStartIsHeardLater) {
  const DialOptions numeric{.endpoint = {"192.0.2.1", 80}, .tcp = {}};
  world.io.open_error = EMFILE;
  Dial other(dialer, numeric, target);
  other.start();
  EXPECT_TRUE(target.errors.empty());
  pass(2 * nanos_per_ms);
  ASSERT_EQ(target.errors.size(), 1u);
  EXPECT_EQ(target.errors[0], "cannot connect to 192.0.2.1:80: 192.0.2.1:80: Too many open files");
  world.io.open_error = 0;
  pass(200 * nanos_per_ms);
  EXPECT_EQ(world.io.opened.size(), 1u);
}

TEST_F(DialerTest, ADrainEndsAllDialsAndThoseThatBeginLater) {
  dial.start();
  Dial second(dialer, options, target);
  second.start();
  world.resolved(1, {"10.0.0.1:7000"});
  dialer.drain();
  EXPECT_EQ(target.delays, (std::vector<Nanos>{never, never}));
  EXPECT_FALSE(dial.under_way());
  EXPECT_FALSE(dialer.idle());
  world.connect_ends(0);  // it was faster
  EXPECT_TRUE(dialer.idle());
  EXPECT_EQ(target.connected, 0);
  dial.start();
  EXPECT_EQ(target.delays.size(), 2u);
  pass(2 * nanos_per_ms);
  EXPECT_EQ(target.delays.size(), 3u);
  EXPECT_EQ(resolver.questions.size(), 2u);
}

TEST_F(DialerTest, ADestroyedDialIsForgotten) {
  {
    Dial gone(dialer, options, target);
    gone.start();
    world.resolved(0, {"10.0.0.1:7000"});
  }
  world.connect_ends(0);
  EXPECT_TRUE(world.io.is_closed(last_opened()));
  EXPECT_EQ(target.connected, 0);
}

}  // namespace
}  // namespace ringpost::engine
