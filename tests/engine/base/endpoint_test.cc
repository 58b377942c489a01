#include "engine/base/endpoint.h"

#include <gtest/gtest.h>

#include <string>

namespace ringpost::engine {
namespace {

TEST(Endpoint, NamesAndAddressesReadBack) {
  for (const char* text : {"localhost:80", "db-1.internal_x.example:65535", "192.0.2.1:1",
                           "[::1]:8080", "[2001:db8::1]:443"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(to_text(*endpoint), text);
  }
  EXPECT_EQ(parse_endpoint("[::1]:8080")->host, "::1");
  EXPECT_EQ(parse_endpoint("name:8080")->port, 8080);
}

TEST(Endpoint, SaysWhatIsWrong) {
  const auto wrong = [](std::string_view text) {
    const auto endpoint = parse_endpoint(text);
    return endpoint ? std::string("nothing") : endpoint.error();
  };
  EXPECT_EQ(wrong("name"), "has no port: write it as name:80, 127.0.0.1:80 or [::1]:80");
  EXPECT_EQ(wrong("::1:80"), "is IPv6: put the address into brackets, as in [::1]:80");
  for (const char* text : {":80", "two words:80", "[]:80", "n\n:80"}) {
    EXPECT_EQ(wrong(text), "has no name or address before its port") << text;
  }
  EXPECT_EQ(wrong(std::string(254, 'a') + ":80"), "has no name or address before its port");
  for (const char* text : {"name:", "name:0", "name:65536", "name:8o", "name:-1"}) {
    EXPECT_EQ(wrong(text), "has no port from 1 to 65535 after its last colon") << text;
  }
}

}  // namespace
}  // namespace ringpost::engine
