#include "tools/ringpost/options.h"

#include <gtest/gtest.h>

namespace ringpost::daemon {
namespace {

const Host four_cpus = {.cpus = {0, 2, 3, 5}, .open_files_max = 20'000};

Options resolved(Options options, const Host& host = four_cpus) {
  resolve(options, host);
  return options;
}

TEST(Options, DefaultsAreValid) { EXPECT_TRUE(validate(resolved({}), four_cpus).empty()); }

TEST(Options, OneShardPerCpuWithSpinByDefault) {
  const Options options = resolved({});
  EXPECT_EQ(options.shards.count, 4u);
  EXPECT_EQ(options.shards.cpus, four_cpus.cpus);
  EXPECT_EQ(options.shards.spin, spin_default);
}

TEST(Options, ShardsFollowTheCpusThatWereNamed) {
  Options options;
  options.shards.cpus = {3, 5};
  options = resolved(options);
  EXPECT_EQ(options.shards.count, 2u);
  EXPECT_EQ(options.shards.cpus, (std::vector<int>{3, 5}));
}

TEST(Options, ShardsThatShareACpuDoNotSpin) {
  Options options;
  options.shards.count = 4;
  EXPECT_EQ(resolved(options).shards.spin, spin_default);
  options.shards.count = 5;
  EXPECT_EQ(resolved(options).shards.spin, 0);
  options.shards.count = 2;
  options.shards.cpus = {0};
  EXPECT_EQ(resolved(options).shards.spin, 0);
  options.shards.spin = 7;
  EXPECT_EQ(resolved(options).shards.spin, 7);
}

TEST(Options, ShardsByDefaultStopAtTheirMaximum) {
  Host large = {.cpus = {}, .open_files_max = 20'000};
  for (int cpu = 0; cpu < 200; ++cpu) large.cpus.push_back(cpu);
  EXPECT_EQ(resolved({}, large).shards.count, shards_max);
}

TEST(Options, ConnectionsLeaveOpenFilesForTheProcessItself) {
  const std::uint64_t count_max = resolved({}).connections.count_max.value();
  EXPECT_LT(count_max, four_cpus.open_files_max);
  EXPECT_GT(count_max, four_cpus.open_files_max - 100);
  EXPECT_EQ(resolved({}, {.cpus = {0}, .open_files_max = 3}).connections.count_max, 1u);
  Options options;
  options.connections.count_max = 50'000;  // more than open files: then accept meets EMFILE
  EXPECT_EQ(resolved(options).connections.count_max, 50'000u);
}

// One broken rule, and a piece of the sentence that tells it.
struct Broken {
  void (*change)(Options&);
  const char* sentence;
};

class OptionsRule : public testing::TestWithParam<Broken> {};

TEST_P(OptionsRule, IsToldByName) {
  Options options;
  GetParam().change(options);
  const std::vector<std::string> broken = validate(resolved(options), four_cpus);
  ASSERT_EQ(broken.size(), 1u);
  EXPECT_NE(broken[0].find(GetParam().sentence), std::string::npos) << broken[0];
}

INSTANTIATE_TEST_SUITE_P(
    Rules, OptionsRule,
    testing::Values(Broken{[](Options& o) {
                             o.orders.enabled = o.chat.enabled = o.echo.enabled =
                                 o.tcp_echo.enabled = o.message_relay.enabled = false;
                           },
                           "--services"},
                    Broken{[](Options& o) { o.chat.listen = o.orders.listen; },
                           "--orders-listen and --chat-listen: both are 127.0.0.1:8080"},
                    Broken{
                        [](Options& o) { o.tcp_echo.listen = {.host = "127.0.0.1", .port = 8081}; },
                        "--echo-listen and --tcp-echo-listen: both are 127.0.0.1:8081"},
                    Broken{[](Options& o) {
                             o.shards.cpus = {0, 1};
                           },
                           "may not run on CPU 1"},
                    Broken{[](Options& o) { o.connections.output_low_bytes = 256 << 10; },
                           "--output-low-bytes: 256KiB is not below --output-high-bytes 256KiB"},
                    Broken{[](Options& o) { o.chat.line_bytes_max = 1 << 20; },
                           "--chat-pending-bytes-max: 1MiB does not hold one line"},
                    Broken{[](Options& o) { o.echo.held_bytes_max = 8 << 20; },
                           "--echo-held-bytes-max: 8MiB does not hold one frame"},
                    Broken{[](Options& o) { o.message_relay.message_bytes_max = 200 << 20; },
                           "--relay-held-bytes-max: 256MiB does not hold one message"},
                    Broken{[](Options& o) { o.message_relay.body_bytes_max = 200 << 20; },
                           "--relay-held-bytes-max: 256MiB does not hold one body"}));

// The tutorials' port is that of the order book and of the echo: section 1 of the specification.
TEST(Options, TheEchoMakesRoomForTheOrderBook) {
  EXPECT_EQ(*resolved({}).echo.listen, (ListenAddress{.host = "127.0.0.1", .port = 8081}));
  Options options;
  options.orders.enabled = false;
  EXPECT_EQ(*resolved(options).echo.listen, (ListenAddress{.host = "127.0.0.1", .port = 8080}));
  options.orders.enabled = true;
  options.echo.listen = ListenAddress{.host = "127.0.0.1", .port = 9};
  EXPECT_EQ(resolved(options).echo.listen->port, 9);
}

TEST(Options, EqualAddressesAreFineWhenTheKernelChoosesThePortOrOneServiceIsOff) {
  Options options;
  options.orders.listen.port = options.chat.listen.port = 0;
  EXPECT_TRUE(validate(resolved(options), four_cpus).empty());
  options.orders.listen.port = options.chat.listen.port = 9000;
  options.chat.enabled = false;
  EXPECT_TRUE(validate(resolved(options), four_cpus).empty());
}

}  // namespace
}  // namespace ringpost::daemon
