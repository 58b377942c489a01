// One lookup, driven by hand: the clock is the test's, the DNS server too.

#include "engine/net/name_lookup.h"

#include <gtest/gtest.h>

#include "engine/io/socket.h"
#include "tests/engine/net/stub_dns.h"

namespace ringpost::engine {
namespace {

using Mood = StubDns::Mood;

class NameLookupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.servers = dns_.address();
    options_.timeout = 300 * nanos_per_s;
    options_.tries = 2;
  }

  // Until it is done.
  void drive(NameLookup& lookup) {
    while (!lookup.done()) {
      std::vector<pollfd> ready = lookup.descriptors();
      ASSERT_GT(::poll(ready.data(), ready.size(), -1), 0);
      for (const pollfd& descriptor : ready) {
        if (descriptor.revents != 0) lookup.on_ready(descriptor);
      }
    }
  }

  StubDns dns_;
  NameLookupOptions options_;
};

TEST_F(NameLookupTest, IsCutOffInTime) {
  dns_.plan("hangs.test", Mood::hang);
  NameLookup lookup("hangs.test");
  const Nanos start = 7 * nanos_per_s;
  lookup.start(options_, start);
  EXPECT_FALSE(lookup.done());
  EXPECT_FALSE(lookup.descriptors().empty());
  // One server: 300 s, and 600 s for the second try, and 300 s more.
  const Nanos end = start + 1200 * nanos_per_s;
  lookup.on_time(end - nanos_per_us);
  EXPECT_FALSE(lookup.done());
  EXPECT_EQ(lookup.next_time(end - nanos_per_us), end);
  lookup.on_time(end);
  EXPECT_TRUE(lookup.done());
  EXPECT_TRUE(lookup.list().empty());
  EXPECT_EQ(lookup.error(), "'hangs.test' could not be resolved: no DNS server answered in time");
  EXPECT_TRUE(lookup.descriptors().empty());
}

TEST_F(NameLookupTest, TwoServersHaveTwiceTheTime) {
  const StubDns other;
  options_.servers += "," + other.address();
  dns_.plan("hangs.test", Mood::hang);
  NameLookup lookup("hangs.test");
  lookup.start(options_, 0);
  lookup.on_time(2100 * nanos_per_s - 1);
  EXPECT_FALSE(lookup.done());
  lookup.on_time(2100 * nanos_per_s);
  EXPECT_TRUE(lookup.done());
}

TEST_F(NameLookupTest, AsksForAnEarlierTimeThanItsEndWhileATryIsUnderWay) {
  dns_.plan("hangs.test", Mood::hang);
  NameLookup lookup("hangs.test");
  lookup.start(options_, 0);
  EXPECT_LE(lookup.next_time(0), 300 * nanos_per_s);
  EXPECT_GT(lookup.next_time(0), 0);
}

TEST_F(NameLookupTest, CancelledItIsDoneAndSaysWhy) {
  dns_.plan("hangs.test", Mood::hang);
  NameLookup lookup("hangs.test");
  lookup.start(options_, 0);
  lookup.cancel("no more");
  EXPECT_TRUE(lookup.done());
  EXPECT_EQ(lookup.error(), "'hangs.test' could not be resolved: no more");
  EXPECT_TRUE(lookup.descriptors().empty());
  lookup.cancel("too late");
  EXPECT_EQ(lookup.error(), "'hangs.test' could not be resolved: no more");
}

TEST_F(NameLookupTest, BeginsAnewOnceDone) {
  NameLookup lookup("comes.test");
  dns_.plan("comes.test", Mood::no_name);
  lookup.start(options_, 0);
  drive(lookup);
  EXPECT_EQ(lookup.error(), "'comes.test' could not be resolved: no such name");

  dns_.plan("comes.test", {Mood::answer, {"127.0.0.1"}, {}});
  lookup.start(options_, 0);
  EXPECT_FALSE(lookup.done());
  drive(lookup);
  EXPECT_EQ(lookup.error(), "");
  ASSERT_EQ(lookup.list().size(), 1u);
  EXPECT_EQ(to_text(lookup.list()[0]), "127.0.0.1:0");

  dns_.plan("comes.test", {Mood::answer, {}, {"::2"}});
  lookup.start(options_, 0);
  drive(lookup);
  ASSERT_EQ(lookup.list().size(), 1u);  // nothing of the lookup before
  EXPECT_EQ(to_text(lookup.list()[0]), "[::2]:0");
}

TEST_F(NameLookupTest, MayEndWhileItIsUnderWay) {
  dns_.plan("hangs.test", Mood::hang);
  NameLookup lookup("hangs.test");
  lookup.start(options_, 0);
  dns_.wait_asked("hangs.test", 1);
}

TEST_F(NameLookupTest, ServersAreChecked) {
  EXPECT_EQ(validate(options_), std::nullopt);
  options_.servers = "127.0.0.1:53,[::1]:53";
  EXPECT_EQ(validate(options_), std::nullopt);
  for (const char* servers : {"nobody", "127.0.0.1:53,nobody", ","}) {
    options_.servers = servers;
    EXPECT_NE(validate(options_), std::nullopt) << servers;
  }
}

}  // namespace
}  // namespace ringpost::engine
