// What a frame that comes in pieces holds while it comes, and that it goes out whole and uncopied.

#include "protocols/echo/gathered_frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/engine/net/test_link.h"

namespace ringpost::echo {
namespace {

using engine::Bytes;
using engine::LinkWorld;
using engine::Prng;
using engine::TestLink;

class GatheredFrameTest : public ::testing::Test {
 protected:
  ~GatheredFrameTest() override {
    frame_.clear(world_.buffers);
    EXPECT_EQ(budget_.bytes, 0u);
  }

  // Adds all of `text` in pieces of `piece` bytes, and has a look after each.
  template <typename Look>
  void add_in_pieces(const std::string& text, std::size_t piece, Look look) {
    for (std::size_t at = 0; at < text.size(); at += piece) {
      ASSERT_TRUE(frame_.add(Bytes(text).substr(at, piece), link_));
      look(std::min(at + piece, text.size()));
    }
  }
  std::size_t held() const { return world_.buffers.taken_bytes(); }

  LinkWorld world_;
  TestLink link_{world_};
  FrameBudget budget_{.bytes_max = 1 << 30};
  GatheredFrame frame_{budget_};
};

TEST_F(GatheredFrameTest, GoesOutAsItCameWhateverThePieces) {
  Prng prng(3);
  for (const std::size_t bytes : {1u, 4u, 511u, 512u, 20'000u, 1'000'000u}) {
    for (const std::size_t piece : {1u, 100u, 16'380u, 2'000'000u}) {
      if (bytes / piece > 100'000) continue;
      SCOPED_TRACE(std::to_string(bytes) + " in " + std::to_string(piece));
      const std::string text = random_text(prng, bytes);
      frame_.begin(bytes);
      add_in_pieces(text, piece, [](std::size_t) {});
      EXPECT_FALSE(frame_.is_open());
      frame_.send(link_);
      EXPECT_TRUE(link_.take_output() == text);
      frame_.release_sent();
      EXPECT_EQ(held(), 0u);
    }
  }
}

// FE-21
TEST_F(GatheredFrameTest, HoldsByWhatCameAndNotByWhatWasAnnounced) {
  frame_.begin(8 << 20);
  ASSERT_TRUE(frame_.add(std::string("\0\x80\0\0", 4), link_));
  EXPECT_EQ(held(), engine::BufferPool::class_bytes[0]);
  const std::string rest((8 << 20) - 4, 'x');
  add_in_pieces(rest, 1000, [&](std::size_t came) {
    EXPECT_LE(held(), std::max<std::size_t>(512, 5 * (came + 4)));
  });
}

TEST_F(GatheredFrameTest, ALargeFrameIsSentFromTheBlocksInWhichItWasGathered) {
  const std::string text(1 << 20, 'x');
  frame_.begin(text.size());
  add_in_pieces(text, 16 << 10, [](std::size_t) {});
  const std::size_t gathered = held();
  EXPECT_LE(gathered, text.size() + (128 << 10));
  frame_.send(link_);
  EXPECT_LE(held(), gathered + 4096);  // the list of the pieces
  engine::SendRequest request;
  link_.out().gather(request, 4 << 20);
  EXPECT_EQ(request.bytes, text.size());
  EXPECT_LE(request.part_count, 24u);
}

TEST_F(GatheredFrameTest, WhatSmallFramesHoldIsNotCounted) {
  budget_.bytes_max = 0;
  for (const std::size_t first : {1u, 500u, 3'000u, 5'000u, 7'999u}) {
    const std::string small(8'000, 'x');
    frame_.begin(small.size());
    EXPECT_TRUE(frame_.add(Bytes(small).substr(0, first), link_));
    EXPECT_TRUE(frame_.add(Bytes(small).substr(first), link_));
    EXPECT_EQ(budget_.bytes, 0u);
    frame_.clear(world_.buffers);
  }
  frame_.begin(20'000);
  EXPECT_FALSE(frame_.add(std::string(20'000, 'x'), link_));
  EXPECT_EQ(budget_.bytes, 0u);
}

TEST_F(GatheredFrameTest, OneBudgetBoundsAllFrames) {
  budget_.bytes_max = 300'000;
  GatheredFrame other(budget_);
  const std::string text(200'000, 'x');
  frame_.begin(1 << 20);
  other.begin(1 << 20);
  ASSERT_TRUE(frame_.add(text, link_));
  const std::uint64_t counted = budget_.bytes;
  EXPECT_GE(counted, 190'000u);
  EXPECT_FALSE(other.add(text, link_));
  other.clear(world_.buffers);
  EXPECT_EQ(budget_.bytes, counted);
  frame_.clear(world_.buffers);
  other.begin(1 << 20);
  EXPECT_TRUE(other.add(text, link_));
  other.clear(world_.buffers);
}

// The output's mark bounds what small frames leave there; one large frame passes it, and whoever
// does not read would hold it uncounted.
TEST_F(GatheredFrameTest, AFrameOverTheMarkIsCountedUntilTheOutputIsDrained) {
  link_.set_output_high(100'000);
  for (const std::size_t bytes : {99'999u, 100'000u}) {
    frame_.begin(bytes);
    ASSERT_TRUE(frame_.add(std::string(bytes, 'x'), link_));
    const std::uint64_t counted = budget_.bytes;
    EXPECT_GT(counted, 80'000u);
    frame_.send(link_);
    EXPECT_EQ(budget_.bytes, bytes < 100'000 ? 0 : counted);
  }
  frame_.release_sent();
  EXPECT_EQ(budget_.bytes, 0u);
}

}  // namespace
}  // namespace ringpost::echo
