#include "tools/loadgen/target.h"

#include <gtest/gtest.h>

namespace ringpost::loadgen {
namespace {

TEST(Target, EverySchemeIsReadWithItsAddress) {
  for (const char* url : {"tcp://127.0.0.1:1234", "frames://name.example:9", "orders://[::1]:80",
                          "chat://10.0.0.1:6142", "http://h:80/a%20b?c=d", "ws://h:8000/"}) {
    const auto target = parse_target(url);
    ASSERT_TRUE(target) << url;
    EXPECT_EQ(to_text(*target), url);
  }
}

TEST(Target, AMissingPortIsTheOneThatTheProtocolIsServedOn) {
  EXPECT_EQ(to_text(parse_target("tcp://localhost").value()), "tcp://localhost:1234");
  EXPECT_EQ(to_text(parse_target("frames://localhost/").value()), "frames://localhost:8081");
  EXPECT_EQ(to_text(parse_target("orders://[::1]").value()), "orders://[::1]:8080");
  EXPECT_EQ(to_text(parse_target("chat://localhost:1/").value()), "chat://localhost:1");
  EXPECT_EQ(to_text(parse_target("http://localhost").value()), "http://localhost:80/");
  EXPECT_EQ(to_text(parse_target("http://[::1]?a#b").value()), "http://[::1]:80/?a");
}

TEST(Target, WhatIsNoTargetIsToldWhy) {
  EXPECT_NE(parse_target("127.0.0.1:1234").error().find("no URL"), std::string::npos);
  EXPECT_NE(parse_target("gopher://x:1").error().find("tcp://, frames://, orders://, chat://"),
            std::string::npos);
  for (const char* text : {"tcp://", "tcp://x:0", "tcp://x:65536", "tcp://:80", "tcp://x:port",
                           "http://x/a b", "http://:80/", "tcp://x/a"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
}

}  // namespace
}  // namespace ringpost::loadgen
