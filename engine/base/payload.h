#pragma once

// Payload: immutable bytes that several holders share, on any number of shards. Made on one shard,
// filled once, then only read. Counts are taken per shard and message, not per member of a
// broadcast. The last release, on whatever thread, puts the block on its owner's intrusive free
// list, from where the owner takes it again: no allocator and no lane on the way back.
//
// Roles: the owner shard makes blocks and takes returned ones; any thread counts up and down, and
// pushes returned ones. Publication: bytes written before `Payload::share` or a message hand-over
// are visible to the receiver through the lane that carried the message. `count`'s decrement is
// acq_rel, so that every reader is done before the owner reuses the block. The push on `returned`
// releases the block to the owner's acquiring exchange; nodes are only ever taken all at once, so
// no ABA arises.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "engine/base/constants.h"

namespace ringpost::engine {

class PayloadPool;

struct PayloadBlock {
  std::atomic<std::uint32_t> count;
  std::uint32_t size;        // bytes in use
  std::uint32_t capacity;    // bytes of room
  std::uint32_t size_class;  // PayloadPool's
  PayloadPool* owner;
  PayloadBlock* next;  // in a free list only

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
};

// One counted reference. Move-only; `share` makes another.
class Payload {
 public:
  Payload() = default;
  Payload(Payload&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Payload& operator=(Payload&& other) noexcept {
    if (this != &other) {
      reset();
      block_ = std::exchange(other.block_, nullptr);
    }
    return *this;
  }
  Payload(const Payload&) = delete;
  Payload& operator=(const Payload&) = delete;
  ~Payload() { reset(); }

  explicit operator bool() const { return block_ != nullptr; }
  Bytes bytes() const { return block_ == nullptr ? Bytes() : Bytes(block_->data(), block_->size); }

  Payload share() const {
    ASSERT(block_ != nullptr);
    // Relaxed: the caller holds a reference, so the block cannot go away, and counting up publishes
    // nothing.
    block_->count.fetch_add(1, std::memory_order_relaxed);
    return Payload(block_);
  }

  // Gives the reference away as a plain pointer (into a message body), and takes it back.
  PayloadBlock* release() { return std::exchange(block_, nullptr); }
  static Payload adopt(PayloadBlock* block) { return Payload(block); }

  inline void reset();

  // Room to fill, before the payload is shared for the first time. Requires: this is the only
  // reference.
  char* fill() {
    DASSERT(block_->count.load(std::memory_order_relaxed) == 1);
    return block_->data();
  }
  std::size_t capacity() const { return block_->capacity; }
  void set_size(std::size_t bytes) {
    ASSERT(bytes <= block_->capacity);
    block_->size = static_cast<std::uint32_t>(bytes);
  }

 private:
  friend class PayloadPool;
  explicit Payload(PayloadBlock* block) : block_(block) {}

  PayloadBlock* block_ = nullptr;
};

// Owned by: one shard, and outlives every payload that it made, on all shards.
class PayloadPool {
 public:
  static constexpr std::array<std::uint32_t, 6> class_bytes = {256,   1024,  4096,
                                                               16384, 65536, 262144};
  static constexpr std::uint32_t class_custom =
      class_bytes.size();  // larger: made and freed singly

  PayloadPool() = default;
  ~PayloadPool();  // Requires: every payload was released.
  PayloadPool(const PayloadPool&) = delete;
  PayloadPool& operator=(const PayloadPool&) = delete;

  // A payload with room for `bytes`, size `bytes`, count 1. Called on: owner only.
  Payload make(std::size_t bytes);
  Payload make(Bytes content);

  // Puts a block whose count reached 0 back. Called on: any thread.
  void give_back(PayloadBlock* block);

 private:
  void collect_returned();

  struct {
    std::array<PayloadBlock*, class_bytes.size()> free = {};
    std::uint64_t live = 0;  // made or reused, and not yet collected
  } owner_;
  // The other threads' line.
  alignas(cache_line_size) std::atomic<PayloadBlock*> returned_{nullptr};
};

inline void Payload::reset() {
  if (block_ == nullptr) return;
  // acq_rel: pairs with the other holders' decrements, so that all their reads happen before the
  // block is reused.
  if (block_->count.fetch_sub(1, std::memory_order_acq_rel) == 1) block_->owner->give_back(block_);
  block_ = nullptr;
}

}  // namespace ringpost::engine
