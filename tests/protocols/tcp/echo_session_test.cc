#include "protocols/tcp/echo_session.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/engine/net/test_link.h"

namespace ringpost::tcp {
namespace {

using engine::CloseReason;
using engine::LinkWorld;
using engine::Prng;
using engine::TestLink;

class TcpEcho : public ::testing::Test {
 protected:
  TcpEcho() { session_.on_open(link_); }
  ~TcpEcho() override { session_.on_closed(CloseReason::peer_closed); }

  LinkWorld world_;
  TestLink link_{world_};
  EchoShared shared_;
  EchoSession session_{shared_};
};

// RL-2, RL-20
TEST_F(TcpEcho, AnswersWithExactlyTheBytesThatCame) {
  EXPECT_EQ(session_.on_bytes("Hello!"), 6u);
  EXPECT_EQ(link_.take_output(), "Hello!");
}

// RL-22
TEST_F(TcpEcho, KeepsTheirOrder) {
  Prng prng(5);
  std::string sent;
  std::string got;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece = random_text(prng, 1 + prng.below(20'000));
    EXPECT_EQ(session_.on_bytes(piece), piece.size());
    sent += piece;
    if (prng.one_in(3)) got += link_.take_output();
  }
  EXPECT_TRUE(got + link_.take_output() == sent);
}

// X3, RL-6
TEST_F(TcpEcho, EndsBehindWhatItStillOwes) {
  session_.on_bytes("last words");
  session_.on_end("");
  EXPECT_EQ(link_.goodbye, CloseReason::peer_closed);
  EXPECT_EQ(link_.aborted, CloseReason::none);
  EXPECT_EQ(link_.take_output(), "last words");
}

}  // namespace
}  // namespace ringpost::tcp
