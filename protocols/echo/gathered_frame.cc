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

GatheredFrame::~GatheredFrame() { ASSERT(count_ == 0 && sent_counted_ == 0); }

void GatheredFrame::begin(std::uint64_t frame_bytes) {
  ASSERT(missing_ == 0 && count_ == 0);
  missing_ = frame_bytes;
}

bool GatheredFrame::add(Bytes bytes, engine::Link& link) {
  ASSERT(bytes.size() <= missing_);
  if (const auto kept = link.try_keep(bytes)) return add_kept(*kept, link.buffers());
  while (!bytes.empty()) {
    Piece* last = open_piece();
    if (last == nullptr) {
      if (!add_block(bytes.size(), link.buffers())) return false;
      last = open_piece();
    }
    const std::size_t part =
        std::min<std::size_t>(bytes.size(), last->block->capacity - last->used);
    std::memcpy(last->block->data() + last->used, bytes.data(), part);
    last->used += static_cast<std::uint32_t>(part);
    gathered_ += part;
    missing_ -= part;
    bytes.remove_prefix(part);
  }
  return true;
}

GatheredFrame::Piece* GatheredFrame::open_piece() {
  if (count_ == 0) return nullptr;
  Piece& last = piece(count_ - 1);
  return last.block != nullptr && last.used != last.block->capacity ? &last : nullptr;
}

GatheredFrame::Piece& GatheredFrame::add_piece(BufferPool& pool) {
  if (count_ == 1) list_ = pool.take(sizeof(Piece));
  if (count_ > 1 && count_ * sizeof(Piece) > list_->capacity) {
    const std::size_t bytes = (count_ - 1) * sizeof(Piece);
    Block* larger = pool.take(bytes * 2);
    std::memcpy(larger->data(), list_->data(), bytes);
    pool.give_back(std::exchange(list_, larger));
  }
  return piece(count_++);
}

bool GatheredFrame::add_kept(const engine::KeptBytes& kept, BufferPool& pool) {
  if (!count_held(kept.bytes)) {
    kept.give_back();
    return false;
  }
  add_piece(pool) = {nullptr, 0, kept};
  gathered_ += kept.bytes;
  missing_ -= kept.bytes;
  return true;
}

bool GatheredFrame::add_block(std::size_t arrived, BufferPool& pool) {
  const std::uint64_t earned = std::max<std::uint64_t>(arrived, gathered_);
  const std::size_t room = missing_ <= earned
                               ? std::min<std::size_t>(missing_, room_below(UINT64_MAX))
                               : room_below(earned);
  Block* block = pool.take(room);
  if (!count_held(block->capacity + sizeof(Block))) {
    pool.give_back(block);
    return false;
  }
  add_piece(pool) = {block, 0, {}};
  return true;
}

bool GatheredFrame::count_held(std::uint64_t bytes) {
  const std::uint64_t more = counted(held_ + bytes) - counted(held_);
  if (budget_.bytes + more > budget_.bytes_max) return false;
  budget_.bytes += more;
  held_ += bytes;
  return true;
}

void GatheredFrame::send(engine::Link& link) {
  ASSERT(missing_ == 0);
  for (std::uint32_t i = 0; i < count_; ++i) {
    const Piece& one = piece(i);
    if (one.block != nullptr) {
      link.write_block(one.block, 0, one.used);
    } else {
      link.write_kept(one.kept);
    }
  }
  drop_pieces(link.buffers());
  sent_counted_ += counted(std::exchange(held_, 0));
  // Fewer bytes than the mark are the output's business: it bounds them.
  if (std::exchange(gathered_, 0) < link.output_high_bytes()) release_sent();
}

void GatheredFrame::drop_pieces(BufferPool& pool) {
  if (list_ != nullptr) pool.give_back(std::exchange(list_, nullptr));
  count_ = 0;
}

void GatheredFrame::release_sent() { budget_.bytes -= std::exchange(sent_counted_, 0); }

void GatheredFrame::clear(BufferPool& pool) {
  for (std::uint32_t i = 0; i < count_; ++i) {
    const Piece& one = piece(i);
    if (one.block != nullptr) {
      pool.give_back(one.block);
    } else {
      one.kept.give_back();
    }
  }
  drop_pieces(pool);
  budget_.bytes -= counted(std::exchange(held_, 0));
  gathered_ = missing_ = 0;
  release_sent();
}

}  // namespace ringpost::echo
