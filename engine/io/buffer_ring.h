#pragma once

// BufferRing: the buffers of one shard that the kernel fills with what it receives. They lie in a
// ring shared with the kernel: it takes one from the head for each chunk of bytes, hands it over
// with a completion, and gets it back at the tail.
//
// First in, first out: if all buffers were in the ring, each would be the coldest of all when its
// turn comes, and what is received would go through the whole cache. So the ring has about twice as
// many as a turn uses, and those used last come first; the others are kept back. If that were too
// few for once, receives end for want of a buffer and are started again, and the ring gets all.
//
// Invariants:
//  1. A buffer is in the ring, kept back or handed out; `take` and `give_back` move it, each
//  exactly once in turn.
//  2. What goes into the ring in a turn reaches the kernel by one `publish`.
//
// In debug builds a returned buffer is overwritten; under ASan a buffer is poisoned while it is
// not handed out, and beyond the bytes received while it is.
//
// Owned by: one shard. Called on: owner only.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/io.h"
#include "engine/io/uring_failure.h"

struct io_uring;
struct io_uring_buf_ring;

namespace ringpost::engine {

class BufferRing {
 public:
  static constexpr std::uint32_t count_max = 32768;  // the kernel's bound
  static constexpr std::uint16_t group = 0;          // the only buffer group of a ring

  // The kernel's ring must outlive the buffer ring. Requires: count is a power of two, at most
  // count_max; bytes > 0.
  static Result<std::unique_ptr<BufferRing>, UringFailure> open(io_uring& ring, std::uint32_t count,
                                                                std::uint32_t bytes);
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;
  // Requires: no receive is armed, or `abandon` was called.
  ~BufferRing();

  // The kernel filled a buffer: it is handed out from now on. Returns its first byte.
  const char* take(BufferId buffer, std::size_t bytes);
  // Requires: it is handed out.
  void give_back(BufferId buffer);
  // Once a turn: fills the ring up to what turns use.
  void publish();
  // A receive ended for want of a buffer.
  void note_starved() { ring_target_ = count_; }

  // Leaves the memory to the kernel for good, because an operation refuses to end.
  void abandon() { is_abandoned_ = true; }

  std::uint32_t count() const { return count_; }
  std::uint32_t buffer_bytes() const { return bytes_; }
  // Buffers that are not handed out.
  std::uint32_t free_count() const { return count_ - handed_out_count_; }
  // One of those that are handed out may stay so: more than half are not.
  bool can_spare() const { return free_count() > count_ / 2; }

 private:
  BufferRing(io_uring& ring, std::uint32_t count, std::uint32_t bytes);
  int map();
  int register_with_kernel();
  char* start_of(BufferId buffer) const { return memory_ + std::size_t{buffer} * bytes_; }
  void append(BufferId buffer);
  void note_use();
  std::uint32_t target_for(std::uint32_t used) const;

  io_uring& ring_;
  const std::uint32_t count_;
  const std::uint32_t bytes_;
  io_uring_buf_ring* slots_ = nullptr;  // shared with the kernel, which only reads it
  char* memory_ = nullptr;              // count_ * bytes_
  bool is_registered_ = false;
  bool is_abandoned_ = false;
  int unpublished_count_ = 0;
  std::vector<BufferId> kept_back_;       // the last one is the hottest
  std::uint32_t in_ring_count_ = 0;       // as far as completions have told
  std::uint32_t ring_target_;             // how many are to be in the ring
  std::uint32_t used_this_turn_ = 0;      // taken since the last `publish`
  std::uint32_t used_in_turn_max_ = 0;    // in the turns since the target last shrank
  std::uint32_t turns_since_shrunk_ = 0;  // those in which buffers were used
  std::uint32_t handed_out_count_ = 0;
  // Bytes in a handed-out buffer plus one; 0: the kernel's.
  std::vector<std::uint32_t> handed_out_;
};

}  // namespace ringpost::engine
