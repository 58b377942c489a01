#pragma once

// BufferPool: a shard's byte buffers in a few sizes. What sits on a connection only while it has
// something to hold (output waiting for a send, the tail of a half-received message, a segment of a
// fan-out log) is a Block of this pool, so that an idle connection holds none, and that after
// warm-up nothing comes from the allocator.
//
// Owned by: one shard. Called on: owner only.

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/base/kernel_owned.h"

namespace ringpost::engine {

// A buffer with room for `capacity` bytes behind the header. `next` is free for whoever holds the
// block.
struct Block {
  Block* next;
  std::uint32_t capacity;
  std::uint32_t size_class;

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
};
static_assert(sizeof(Block) == 16);

class BufferPool {
 public:
  // Sizes of whole blocks, header included: a quarter apart, so a growing queue copies or chains
  // little.
  static constexpr std::array<std::uint32_t, 5> class_bytes = {512, 2048, 8192, 32768, 131072};
  static constexpr std::uint32_t class_custom =
      class_bytes.size();  // larger: made and freed singly
  // Free blocks above this sum go back to the allocator, so that a burst does not stay resident for
  // ever.
  static constexpr std::size_t free_bytes_max = std::size_t{64} << 20;

  explicit BufferPool(KernelOwned& kernel_owned) : kernel_owned_(kernel_owned) {}
  ~BufferPool();  // Requires: every block was given back.
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A block with room for at least `bytes`: the smallest class that fits.
  Block* take(std::size_t bytes);
  // Requires: `block` came from this pool, and the kernel owns none of it.
  void give_back(Block* block);

  std::size_t taken_bytes() const { return taken_bytes_; }  // held outside, headers included
  std::size_t free_bytes() const { return free_bytes_; }

 private:
  KernelOwned& kernel_owned_;
  std::array<Block*, class_bytes.size()> free_ = {};
  std::size_t taken_bytes_ = 0;
  std::size_t free_bytes_ = 0;
};

}  // namespace ringpost::engine
