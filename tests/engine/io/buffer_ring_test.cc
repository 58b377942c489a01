#include "engine/io/buffer_ring.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "engine/io/kernel_ring.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace ringpost::engine {
namespace {

class BufferRingTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t count = 4;
  static constexpr std::uint32_t bytes = 64;

  void SetUp() override {
    ring_ = std::move(KernelRing::open(8, 16).value());
    buffers_ = std::move(BufferRing::open(ring_->raw(), count, bytes).value());
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets_.data()), 0);
  }
  void TearDown() override {
    for (const int socket : sockets_) ::close(socket);
  }

  struct Received {
    int result;
    BufferId buffer;
    const char* data;
  };
  // The kernel fills the next buffer with these bytes, and hands it out.
  Received receive(const std::string& text) {
    EXPECT_EQ(::send(sockets_[0], text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return receive_what_is_there();
  }
  Received receive_what_is_there() {
    io_uring_sqe& sqe = *ring_->try_next_sqe();
    io_uring_prep_recv(&sqe, sockets_[1], nullptr, bytes, MSG_DONTWAIT);
    sqe.flags |= IOSQE_BUFFER_SELECT;
    sqe.buf_group = BufferRing::group;
    ring_->submit_and_wait(never);
    Received received{-1, 0, nullptr};
    ring_->reap([&](const io_uring_cqe& entry) {
      received.result = entry.res;
      if ((entry.flags & IORING_CQE_F_BUFFER) == 0) return true;
      received.buffer = static_cast<BufferId>(entry.flags >> IORING_CQE_BUFFER_SHIFT);
      received.data = buffers_->take(received.buffer, static_cast<std::size_t>(entry.res));
      return true;
    });
    return received;
  }

  std::unique_ptr<KernelRing> ring_;
  std::unique_ptr<BufferRing> buffers_;
  std::array<int, 2> sockets_ = {-1, -1};
};

using BufferRingDeathTest = BufferRingTest;

TEST_F(BufferRingTest, EachBufferIsFilledOnceBeforeOneComesBack) {
  std::array<bool, count> seen = {};
  for (std::uint32_t i = 0; i < count; ++i) {
    const Received received = receive("text " + std::to_string(i));
    ASSERT_NE(received.data, nullptr);
    EXPECT_EQ(std::string(received.data, 6), "text " + std::to_string(i));
    EXPECT_FALSE(seen[received.buffer]);
    seen[received.buffer] = true;
    EXPECT_EQ(buffers_->free_count(), count - 1 - i);
  }
  EXPECT_EQ(receive("no more").result, -ENOBUFS);
}

TEST_F(BufferRingTest, WhatIsGivenBackReachesTheKernelWhenPublished) {
  std::array<BufferId, count> all = {};
  for (BufferId& buffer : all) buffer = receive("x").buffer;
  buffers_->give_back(all[2]);
  buffers_->give_back(all[0]);
  EXPECT_EQ(buffers_->free_count(), 2u);
  EXPECT_EQ(receive("waits").result, -ENOBUFS);
  buffers_->publish();
  buffers_->publish();
  EXPECT_EQ(receive_what_is_there().buffer, all[0]);  // the last one first: it is in the cache
  EXPECT_EQ(receive("next").buffer, all[2]);
  EXPECT_EQ(receive("none").result, -ENOBUFS);
}

TEST_F(BufferRingTest, BuffersGoRoundManyTimes) {
  for (int i = 0; i < 200'000 / 64; ++i) {
    const std::string text = std::to_string(i);
    const Received received = receive(text);
    ASSERT_NE(received.data, nullptr);
    ASSERT_EQ(std::string(received.data, text.size()), text);
    buffers_->give_back(received.buffer);
    buffers_->publish();
  }
  EXPECT_EQ(buffers_->free_count(), count);
}

#ifdef __SANITIZE_ADDRESS__
TEST_F(BufferRingTest, OnlyReceivedBytesOfAHandedOutBufferAreReadable) {
  const Received received = receive("12345678");
  EXPECT_FALSE(__asan_address_is_poisoned(received.data + 7));
  EXPECT_TRUE(__asan_address_is_poisoned(received.data + 8));
  buffers_->give_back(received.buffer);
  EXPECT_TRUE(__asan_address_is_poisoned(received.data));
}
#elif defined(RINGPOST_DEBUG)
TEST_F(BufferRingTest, AReturnedBufferIsOverwritten) {
  const Received received = receive("stale");
  buffers_->give_back(received.buffer);
  EXPECT_EQ(std::string(received.data, 5), std::string(5, '\xdb'));
}
#endif

TEST_F(BufferRingDeathTest, ABufferGivenBackTwiceStopsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Received received = receive("x");
  buffers_->give_back(received.buffer);
  EXPECT_DEATH(buffers_->give_back(received.buffer), "handed_out_");
}

TEST_F(BufferRingDeathTest, ABufferHandedOutTwiceStopsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Received received = receive("x");
  EXPECT_DEATH((void)buffers_->take(received.buffer, 1), "handed_out_");
}

}  // namespace
}  // namespace ringpost::engine
