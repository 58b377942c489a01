#include "protocols/http/gathered_content.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/assert.h"

namespace ringpost::http {

using engine::Block;
using engine::BufferPool;
using engine::Bytes;

GatheredContent::~GatheredContent() { ASSERT(block_ == nullptr); }

std::uint64_t GatheredContent::size_of(const Block* block) {
  return block == nullptr ? 0 : block->capacity + sizeof(Block);
}

bool GatheredContent::add(Bytes bytes, BufferPool& pool) {
  const std::size_t wanted = used_ + bytes.size();
  if ((block_ == nullptr || wanted > block_->capacity) && !grow(wanted, pool)) return false;
  std::memcpy(block_->data() + used_, bytes.data(), bytes.size());
  used_ += static_cast<std::uint32_t>(bytes.size());
  return true;
}

bool GatheredContent::grow(std::size_t wanted, BufferPool& pool) {
  Block* larger = pool.take(std::max<std::size_t>(wanted, std::size_t{used_} * 2));
  if (budget_.bytes - size_of(block_) + size_of(larger) > budget_.bytes_max) {
    pool.give_back(larger);
    return false;
  }
  budget_.bytes += size_of(larger) - size_of(block_);
  if (block_ != nullptr) {
    std::memcpy(larger->data(), block_->data(), used_);
    pool.give_back(block_);
  }
  block_ = larger;
  return true;
}

Bytes GatheredContent::bytes() const {
  return block_ == nullptr ? Bytes() : Bytes(block_->data(), used_);
}

void GatheredContent::clear(BufferPool& pool) {
  if (block_ == nullptr) return;
  budget_.bytes -= size_of(block_);
  used_ = 0;
  pool.give_back(std::exchange(block_, nullptr));
}

}  // namespace ringpost::http
