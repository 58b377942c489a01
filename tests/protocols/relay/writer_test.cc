#include "protocols/relay/writer.h"

#include <gtest/gtest.h>

namespace ringpost::relay {
namespace {

TEST(RelayTexts, HaveTheBytesOfTheSpec) {
  EXPECT_EQ(health_text.size(), 60u);  // WS-1
  const auto id = ClientId::parse("00112233445546778899aabbccddeeff");
  ASSERT_TRUE(id);
  // WS-2: 65 bytes with the default address
  const std::string url = registered_text("ws://127.0.0.1:8000", *id);
  EXPECT_EQ(url, "{\"url\":\"ws://127.0.0.1:8000/ws/00112233445546778899aabbccddeeff\"}");
  EXPECT_EQ(url.size(), 65u);
  EXPECT_EQ(removed_text(*id), "Client removed with id 00112233445546778899aabbccddeeff");
  EXPECT_EQ(unknown_text("x"), "Client not found with id x");
  EXPECT_EQ(published_text.size(), 15u);
}

TEST(RelayTexts, WhatWasRefusedNamesTheField) {
  EXPECT_TRUE(
      refused_text(Errc::bad_syntax).starts_with("Failed to parse the request body as JSON: "));
  EXPECT_TRUE(refused_text(Errc::bad_topic)
                  .starts_with("Failed to deserialize the JSON body into the target type: topic"));
}

}  // namespace
}  // namespace ringpost::relay
