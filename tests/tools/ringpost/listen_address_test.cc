#include "tools/ringpost/listen_address.h"

#include <gtest/gtest.h>

namespace ringpost::daemon {
namespace {

ListenAddress parsed(std::string_view text) {
  auto result = parse_listen_address(text);
  EXPECT_TRUE(result) << text;
  return result ? *result : ListenAddress{};
}

TEST(ListenAddress, ReadsIpv4WithPort) {
  EXPECT_EQ(parsed("127.0.0.1:8080"),
            (ListenAddress{.host = "127.0.0.1", .port = 8080, .ipv6 = false}));
  EXPECT_EQ(parsed("0.0.0.0:0").port, 0);
  EXPECT_EQ(parsed("0.0.0.0:65535").port, 65535);
}

TEST(ListenAddress, ReadsIpv6InBrackets) {
  EXPECT_EQ(parsed("[::1]:6142"), (ListenAddress{.host = "::1", .port = 6142, .ipv6 = true}));
  EXPECT_EQ(parsed("[::]:1").host, "::");
}

TEST(ListenAddress, ShowsWhatItRead) {
  for (const char* text : {"127.0.0.1:8080", "[::1]:6142", "[::ffff:127.0.0.1]:0"}) {
    EXPECT_EQ(show_listen_address(parsed(text)), text);
  }
}

TEST(ListenAddress, RefusesEverythingElse) {
  for (const char* text : {"",
                           ":",
                           "8080",
                           ":8080",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:x",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:+1",
                           "127.0.0.1: 1",
                           "127.0.0.1:80 ",
                           "127.0.0.256:80",
                           "localhost:80",
                           "*:80",
                           "[127.0.0.1]:80",
                           "[::1]",
                           "[::1:80",
                           "::1]:80",
                           "[]:80",
                           "[::1%lo]:80",
                           "127.1:80"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
}

TEST(ListenAddress, SaysThatIpv6WantsBrackets) {
  EXPECT_NE(parse_listen_address("::1:80").error().find("brackets"), std::string::npos);
}

}  // namespace
}  // namespace ringpost::daemon
