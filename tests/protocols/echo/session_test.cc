#include "protocols/echo/session.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/engine/net/test_link.h"

namespace ringpost::echo {
namespace {

using engine::Bytes;
using engine::CloseReason;
using engine::LinkWorld;
using engine::Prng;
using engine::TestLink;
using namespace std::string_literals;

std::string frame_of(const std::string& payload) {
  std::string frame(4, '\0');
  for (std::size_t i = 0; i < 4; ++i) frame[3 - i] = static_cast<char>(payload.size() >> 8 * i);
  return frame + payload;
}

// A session, and what a connection does with it.
class EchoSession : public ::testing::Test {
 protected:
  explicit EchoSession(const SessionOptions& options = {}) : shared_(options) {
    session_.on_open(link_);
  }
  ~EchoSession() override {
    session_.on_closed(CloseReason::peer_closed);
    EXPECT_EQ(shared_.budget.bytes, 0u);
  }

  // What is not consumed is offered again, with more behind it.
  void arrive(Bytes bytes) {
    input_ += bytes;
    offer();
  }
  void offer() {
    if (!input_.empty() && !link_.paused()) input_.erase(0, session_.on_bytes(input_));
  }
  // The peer reads what there is, and the connection goes on.
  std::string read() {
    std::string output = link_.take_output();
    session_.on_drained();
    offer();
    return output;
  }
  std::uint64_t requests() const { return world_.counters.requests; }

  LinkWorld world_;
  TestLink link_{world_};
  SessionShared shared_;
  Session session_{shared_};
  std::string input_;
};

// FE-3, FE-4, and the vectors of section 5.1
TEST_F(EchoSession, TheVectors) {
  arrive("\0\0\0\5hello"s);
  EXPECT_EQ(link_.take_output(), "\0\0\0\5hello"s);
  arrive("\0\0\0\1a\0\0\0\2bc"s);
  EXPECT_EQ(link_.take_output(), "\0\0\0\1a\0\0\0\2bc"s);
  arrive("\0\0\0\0"s);
  EXPECT_EQ(link_.take_output(), "\0\0\0\0"s);
  EXPECT_EQ(requests(), 4u);
  EXPECT_EQ(link_.goodbye, CloseReason::none);
}

class EchoSplit : public EchoSession, public ::testing::WithParamInterface<std::size_t> {};
const std::string split_input = "\0\0\0\5hello\0\0\0\0\0\0\0\1x\0\0\0\3abc"s;

TEST_P(EchoSplit, GivesTheSameOutput) {
  arrive(Bytes(split_input).substr(0, GetParam()));
  std::string got = link_.take_output();
  arrive(Bytes(split_input).substr(GetParam()));
  EXPECT_EQ(got + link_.take_output(), split_input);
  EXPECT_EQ(requests(), 4u);
}
INSTANTIATE_TEST_SUITE_P(Everywhere, EchoSplit,
                         ::testing::Range<std::size_t>(0, split_input.size() + 1));

TEST_F(EchoSession, AByteAtATime) {
  std::string got;
  for (const char c : split_input) {
    arrive(Bytes(&c, 1));
    got += link_.take_output();
  }
  EXPECT_EQ(got, split_input);
}

TEST_F(EchoSession, RandomFramesInRandomPieces) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    std::string stream;
    std::uint64_t frames = 0;
    while (stream.size() < 100'000) {
      stream += frame_of(random_text(prng, prng.below(prng.one_in(10) ? 60'000 : 300)));
      ++frames;
    }
    const std::uint64_t before = requests();
    std::string got;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t piece = 1 + prng.below(prng.one_in(3) ? 40'000 : 100);
      arrive(Bytes(stream).substr(at, piece));
      at += piece;
      got += read();
    }
    while (!input_.empty()) got += read();
    ASSERT_TRUE(got == stream);
    EXPECT_EQ(requests() - before, frames);
  }
}

// FE-22
TEST_F(EchoSession, TheSmallFramesOfOneReadAreOneSend) {
  std::string frames;
  for (int i = 0; i < 100; ++i) frames += frame_of("frame " + std::to_string(i));
  arrive(frames + "\0\0\0\7part"s);
  EXPECT_EQ(link_.touched, 1);
  engine::SendRequest request;
  EXPECT_EQ(link_.out().gather(request, 1 << 20), frames.size());
  EXPECT_EQ(request.part_count, 1u);
  EXPECT_EQ(link_.take_output(), frames);
}

// Nothing of a frame is echoed before its last byte has come.
TEST_F(EchoSession, AFrameThatIsNotWholeWaits) {
  const std::string frame = frame_of(std::string(100'000, 'x'));
  arrive("\0\0\0\2ok"s + frame.substr(0, frame.size() - 1));
  EXPECT_EQ(link_.take_output(), "\0\0\0\2ok"s);
  arrive("x");
  EXPECT_TRUE(link_.take_output() == frame);
}

// FE-7
TEST_F(EchoSession, TheEndInsideAFrameDropsIt) {
  arrive("\0\0\0\2ok\0\0\0\5hel"s);
  session_.on_end(input_);
  EXPECT_EQ(link_.take_output(), "\0\0\0\2ok"s);
  EXPECT_EQ(link_.goodbye, CloseReason::peer_closed);
  EXPECT_EQ(world_.buffers.taken_bytes(), 0u);
}

TEST_F(EchoSession, TheEndInsideAHeaderIsAnEnd) {
  arrive("\0\0\0\2ok\0\0"s);
  session_.on_end(input_);
  EXPECT_EQ(link_.take_output(), "\0\0\0\2ok"s);
  EXPECT_EQ(link_.goodbye, CloseReason::peer_closed);
}

// FE-5
TEST_F(EchoSession, TheLargestFrameIsServed) {
  const std::string frame = frame_of(std::string(8 << 20, 'x'));
  arrive(frame);
  EXPECT_TRUE(link_.take_output() == frame);
  EXPECT_EQ(link_.goodbye, CloseReason::none);
}

// FE-6, X4
TEST_F(EchoSession, AFrameOverTheLimitEndsTheConnectionBehindWhatWasEchoed) {
  arrive("\0\0\0\2ok\0\x80\0\1 and what follows"s);
  EXPECT_EQ(link_.take_output(), "\0\0\0\2ok"s);
  EXPECT_EQ(link_.goodbye, CloseReason::protocol_error);
  EXPECT_EQ(link_.aborted, CloseReason::none);
  EXPECT_EQ(world_.counters.limit_frame_too_long, 1u);
}

// FE-8, X6
TEST_F(EchoSession, ParsesNothingAboveTheOutputsHighMark) {
  link_.set_output_high(1000);
  std::string frames;
  for (int i = 0; i < 100; ++i) frames += frame_of(std::string(96, 'x'));
  arrive(frames);
  EXPECT_EQ(link_.outbox().bytes(), 1000u);
  EXPECT_EQ(input_.size(), 9000u);
  EXPECT_EQ(read().size(), 1000u);
  EXPECT_EQ(link_.outbox().bytes(), 1000u);
  std::size_t got = 1000;
  while (got != frames.size()) got += read().size();
  EXPECT_TRUE(input_.empty());
}

class SmallBudget : public EchoSession {
 protected:
  SmallBudget() : EchoSession(SessionOptions{.framing = {}, .held_bytes_max = 600'000}) {
    other_.on_open(other_link_);
  }
  ~SmallBudget() override { other_.on_closed(CloseReason::peer_closed); }

  // Most of the budget, in the hands of another connection.
  void fill() { other_.on_bytes(frame_of(std::string(500'000, 'x')).substr(0, 400'000)); }

  TestLink other_link_{world_, 1};
  Session other_{shared_};
};

// X5: nobody waits for the budget.
TEST_F(SmallBudget, TheConnectionThatNeedsMoreIsEndedAlone) {
  fill();
  const std::uint64_t held = shared_.budget.bytes;
  arrive("\0\0\0\2ok"s + frame_of(std::string(500'000, 'x')).substr(0, 400'000));
  EXPECT_EQ(link_.take_output(), "\0\0\0\2ok"s);
  EXPECT_EQ(link_.goodbye, CloseReason::over_budget);
  EXPECT_EQ(world_.counters.limit_held_frames, 1u);
  EXPECT_EQ(shared_.budget.bytes, held);  // what it had is free again
  EXPECT_EQ(other_link_.goodbye, CloseReason::none);
  EXPECT_EQ(other_.on_bytes(std::string(100'004, 'x')), 100'004u);
  EXPECT_EQ(other_link_.take_output().size(), 500'004u);
}

TEST_F(SmallBudget, SmallFramesDoNotFeelIt) {
  fill();
  const std::string frame = frame_of(std::string(4000, 'x'));
  for (int i = 0; i < 50; ++i) {
    arrive(Bytes(frame).substr(0, 3000));
    arrive(Bytes(frame).substr(3000));
    EXPECT_TRUE(link_.take_output() == frame);
  }
}

TEST_F(SmallBudget, ALargeFrameThatNobodyReadsIsCounted) {
  const std::string frame = frame_of(std::string(400'000, 'x'));
  arrive(Bytes(frame).substr(0, 400'000));
  arrive(Bytes(frame).substr(400'000));
  EXPECT_FALSE(link_.outbox().empty());
  EXPECT_GT(shared_.budget.bytes, 380'000u);
  other_.on_bytes(Bytes(frame).substr(0, 400'000));
  EXPECT_EQ(other_link_.goodbye, CloseReason::over_budget);
  EXPECT_TRUE(read() == frame);
  EXPECT_EQ(shared_.budget.bytes, 0u);
}

}  // namespace
}  // namespace ringpost::echo
