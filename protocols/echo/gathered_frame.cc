#include "protocols/echo/gathered_frame.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/assert.h"

namespace ringpost::echo {

using engine::Block;
using engine::BufferPool;
using engine::Bytes;

namespace {

// The room of the largest block of the pool's sizes that has no more than `bytes`, or of the
// smallest.
std::size_t room_below(std::uint64_t bytes) {
  std::size_t room = BufferPool::class_bytes[0] - sizeof(Block);
  for (const std::uint32_t size : BufferPool::class_bytes) {
    if (size - sizeof(Block) <= bytes) room = size - sizeof(Block);
  }
  return room;
}

}  // namespace

GatheredFrame::~GatheredFrame() { ASSERT(first_ == nullptr && sent_counted_ == 0); }

void GatheredFrame::begin(std::uint64_t frame_bytes) {
  ASSERT(missing_ == 0 && first_ == nullptr);
  missing_ = frame_bytes;
}

bool GatheredFrame::add(Bytes bytes, BufferPool& pool) {
  ASSERT(bytes.size() <= missing_);
  while (!bytes.empty()) {
    if (last_ == nullptr || last_used_ == last_->capacity) {
      if (!add_block(bytes.size(), pool)) return false;
    }
    const std::size_t piece = std::min<std::size_t>(bytes.size(), last_->capacity - last_used_);
    std::memcpy(last_->data() + last_used_, bytes.data(), piece);
    last_used_ += static_cast<std::uint32_t>(piece);
    gathered_ += piece;
    missing_ -= piece;
    bytes.remove_prefix(piece);
  }
  return true;
}

bool GatheredFrame::add_block(std::size_t arrived, BufferPool& pool) {
  const std::uint64_t earned = std::max<std::uint64_t>(arrived, gathered_);
  const std::size_t room = missing_ <= earned
                               ? std::min<std::size_t>(missing_, room_below(UINT64_MAX))
                               : room_below(earned);
  Block* block = pool.take(room);
  const std::uint64_t size = block->capacity + sizeof(Block);
  const std::uint64_t more = counted(held_ + size) - counted(held_);
  if (budget_.bytes + more > budget_.bytes_max) {
    pool.give_back(block);
    return false;
  }
  budget_.bytes += more;
  held_ += size;
  (first_ == nullptr ? first_ : last_->next) = block;
  last_ = block;
  last_used_ = 0;
  return true;
}

void GatheredFrame::send(engine::Link& link) {
  ASSERT(missing_ == 0);
  while (first_ != nullptr) {
    Block* block = std::exchange(first_, first_->next);
    link.write_block(block, 0, block == last_ ? last_used_ : block->capacity);
  }
  last_ = nullptr;
  sent_counted_ += counted(std::exchange(held_, 0));
  // Fewer bytes than the mark are the output's business: it bounds them.
  if (std::exchange(gathered_, 0) < link.output_high_bytes()) release_sent();
}

void GatheredFrame::release_sent() { budget_.bytes -= std::exchange(sent_counted_, 0); }

void GatheredFrame::clear(BufferPool& pool) {
  while (first_ != nullptr) pool.give_back(std::exchange(first_, first_->next));
  last_ = nullptr;
  budget_.bytes -= counted(std::exchange(held_, 0));
  gathered_ = missing_ = 0;
  release_sent();
}

}  // namespace ringpost::echo
