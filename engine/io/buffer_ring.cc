#include "engine/io/buffer_ring.h"

#include <liburing.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/base/assert.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, bytes) ((void)(start), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(start, bytes) ((void)(start), (void)(bytes))
#endif

namespace ringpost::engine {
namespace {

// Overwrites a returned buffer in debug builds, so that a stale view of it is seen at once.
constexpr int returned_byte = 0xdb;

// The ring never has fewer, unless there are fewer: what a turn of small messages uses, of which a
// core's own cache may hold the first lines.
constexpr std::uint32_t ring_count_min = 64;
// So many turns with received bytes until a ring that grew may shrink.
constexpr std::uint32_t turns_until_shrunk = 16 * 1024;

// Anonymous and faulted in: a shard finds out at start that memory is short, and never in a turn.
void* map_memory(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

Result<std::unique_ptr<BufferRing>, UringFailure> BufferRing::open(io_uring& ring,
                                                                   std::uint32_t count,
                                                                   std::uint32_t bytes) {
  ASSERT(std::has_single_bit(count));
  ASSERT(count <= count_max);
  ASSERT(bytes > 0);
  auto buffers = std::unique_ptr<BufferRing>(new BufferRing(ring, count, bytes));
  int error = buffers->map();
  if (error == 0) error = buffers->register_with_kernel();
  if (error != 0) return Unexpected{UringFailure{UringStep::buffer_ring, error}};
  return buffers;
}

BufferRing::BufferRing(io_uring& ring, std::uint32_t count, std::uint32_t bytes)
    : ring_(ring),
      count_(count),
      bytes_(bytes),
      ring_target_(target_for(0)),
      handed_out_(count, 0) {
  kept_back_.reserve(count);
}

BufferRing::~BufferRing() {
  if (is_abandoned_) return;
  if (is_registered_) io_uring_unregister_buf_ring(&ring_, group);
  if (slots_ != nullptr) munmap(slots_, count_ * sizeof(io_uring_buf));
  if (memory_ != nullptr) {
    ASAN_UNPOISON_MEMORY_REGION(memory_, std::size_t{count_} * bytes_);
    munmap(memory_, std::size_t{count_} * bytes_);
  }
}

int BufferRing::map() {
  slots_ = static_cast<io_uring_buf_ring*>(map_memory(count_ * sizeof(io_uring_buf)));
  memory_ = static_cast<char*>(map_memory(std::size_t{count_} * bytes_));
  return slots_ == nullptr || memory_ == nullptr ? ENOMEM : 0;
}

int BufferRing::register_with_kernel() {
  io_uring_buf_reg registration = {};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(slots_);
  registration.ring_entries = count_;
  registration.bgid = group;
  const int result = io_uring_register_buf_ring(&ring_, &registration, 0);
  if (result < 0) return -result;
  is_registered_ = true;
  io_uring_buf_ring_init(slots_);
  ASAN_POISON_MEMORY_REGION(memory_, std::size_t{count_} * bytes_);
  for (std::uint32_t i = count_; i-- != 0;) kept_back_.push_back(static_cast<BufferId>(i));
  publish();
  return 0;
}

const char* BufferRing::take(BufferId buffer, std::size_t bytes) {
  ASSERT(buffer < count_);
  ASSERT(bytes <= bytes_);
  ASSERT(handed_out_[buffer] == 0);
  handed_out_[buffer] = static_cast<std::uint32_t>(bytes) + 1;
  ++handed_out_count_;
  ++used_this_turn_;
  --in_ring_count_;
  ASAN_UNPOISON_MEMORY_REGION(start_of(buffer), bytes);
  return start_of(buffer);
}

void BufferRing::give_back(BufferId buffer) {
  ASSERT(buffer < count_);
  ASSERT(handed_out_[buffer] != 0);  // else: given back twice, or never handed out
#ifdef RINGPOST_DEBUG
  std::memset(start_of(buffer), returned_byte, handed_out_[buffer] - 1);
#endif
  ASAN_POISON_MEMORY_REGION(start_of(buffer), bytes_);
  handed_out_[buffer] = 0;
  --handed_out_count_;
  kept_back_.push_back(buffer);
}

void BufferRing::append(BufferId buffer) {
  io_uring_buf_ring_add(slots_, start_of(buffer), bytes_, buffer, io_uring_buf_ring_mask(count_),
                        unpublished_count_);
  ++unpublished_count_;
  ++in_ring_count_;
}

std::uint32_t BufferRing::target_for(std::uint32_t used) const {
  return std::clamp(std::bit_ceil(2 * used), std::min(ring_count_min, count_), count_);
}

void BufferRing::note_use() {
  const std::uint32_t used = std::exchange(used_this_turn_, 0);
  if (used == 0) return;
  used_in_turn_max_ = std::max(used_in_turn_max_, used);
  ring_target_ = std::max(ring_target_, target_for(used));
  if (++turns_since_shrunk_ < turns_until_shrunk) return;
  ring_target_ = target_for(std::exchange(used_in_turn_max_, 0));
  turns_since_shrunk_ = 0;
}

void BufferRing::publish() {
  note_use();
  while (in_ring_count_ < ring_target_ && !kept_back_.empty()) {
    append(kept_back_.back());
    kept_back_.pop_back();
  }
  if (unpublished_count_ == 0) return;
  // A release store of the tail; the kernel acquires it before it reads a slot.
  io_uring_buf_ring_advance(slots_, unpublished_count_);
  unpublished_count_ = 0;
}

}  // namespace ringpost::engine
