#pragma once

// UringEnd: one end of a connection as a program on io_uring has it, with nothing around it: a
// multishot receive into buffers that the kernel picks, sends by the submission queue, and one
// enter for either. What a round trip takes longer with it than with two bare system calls is the
// kernel's.

#include <liburing.h>

#include <memory>
#include <string_view>

namespace ringpost::perf {

class UringEnd {
 public:
  explicit UringEnd(int socket);
  UringEnd(const UringEnd&) = delete;
  UringEnd& operator=(const UringEnd&) = delete;
  ~UringEnd();

  // Sends `message`, which the other end echoes in one piece, and polls until it is back.
  void round_trip(std::string_view message);

 private:
  void provide(unsigned buffer);
  void start_receive();
  bool take_completions();

  static constexpr unsigned buffer_count = 16;
  static constexpr unsigned buffer_bytes = 4096;

  const int socket_;
  io_uring ring_ = {};
  std::unique_ptr<char[]> buffers_ = std::make_unique<char[]>(buffer_count * buffer_bytes);
  io_uring_buf_ring* slots_;  // a page of its own, shared with the kernel
};

}  // namespace ringpost::perf
