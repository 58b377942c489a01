#pragma once

// The world of a UringIo under test: loopback sockets of the kernel.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "engine/base/kernel_owned.h"
#include "engine/io/socket.h"
#include "engine/io/uring_io.h"
#include "tests/engine/io/io_driver.h"

namespace ringpost::engine {

struct UringWorldOptions {
  std::uint32_t sq_entries = 64;
  std::uint32_t cq_entries = 256;
  IoWorldOptions buffers;
};

class UringWorld final : public IoWorld {
 public:
  explicit UringWorld(const UringWorldOptions& options = {}) {
    auto io = UringIo::open({.clock = clock_,
                             .kernel_owned = kernel_owned_,
                             .sq_entries = options.sq_entries,
                             .cq_entries = options.cq_entries,
                             .buffer_count = options.buffers.buffer_count,
                             .buffer_bytes = options.buffers.buffer_bytes});
    if (!io) ADD_FAILURE() << "no io_uring: errno " << io.error().error;
    io_ = std::move(io.value());
    const int peers[] = {io_->ring_fd()};
    io_->set_peers(peers);
  }
  ~UringWorld() override {
    io_.reset();
    EXPECT_EQ(kernel_owned_.count(), 0u);
  }

  Io& io() override { return *io_; }
  UringIo& uring() { return *io_; }
  KernelOwned& kernel_owned() { return kernel_owned_; }
  const Clock& clock() override { return clock_; }

  Fd listen() override {
    auto listener = listen_on(parse_address("127.0.0.1:0").value(), {});
    EXPECT_TRUE(listener.has_value());
    return listener.value();
  }
  SocketAddress address_of(Fd listener) override { return local_address(listener).value(); }

 private:
  MonotonicClock clock_;
  KernelOwned kernel_owned_;
  std::unique_ptr<UringIo> io_;
};

}  // namespace ringpost::engine
