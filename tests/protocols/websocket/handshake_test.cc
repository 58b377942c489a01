#include "protocols/websocket/handshake.h"

#include <gtest/gtest.h>

namespace ringpost::websocket {
namespace {

// RFC 6455 section 1.3, and WS-12
TEST(AcceptKey, TheExampleOfTheRfc) {
  const AcceptKey key = accept_key("dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ(engine::Bytes(key.data(), key.size()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace
}  // namespace ringpost::websocket
