#include "engine/base/buffer_pool.h"

#include <cstdlib>

#include "engine/base/assert.h"

namespace ringpost::engine {

BufferPool::~BufferPool() {
  ASSERT(taken_bytes_ == 0);
  for (Block* block : free_) {
    while (block != nullptr) {
      Block* next = block->next;
      std::free(block);
      block = next;
    }
  }
}

Block* BufferPool::take(std::size_t bytes) {
  const std::size_t whole = bytes + sizeof(Block);
  std::uint32_t size_class = 0;
  while (size_class < class_custom && class_bytes[size_class] < whole) ++size_class;
  const std::size_t block_bytes = size_class == class_custom ? whole : class_bytes[size_class];
  ASSERT(block_bytes <= UINT32_MAX);

  Block* block = size_class == class_custom ? nullptr : free_[size_class];
  if (block != nullptr) {
    free_[size_class] = block->next;
    free_bytes_ -= block_bytes;
  } else {
    block = static_cast<Block*>(std::malloc(block_bytes));
    ASSERT(block != nullptr);
    block->size_class = size_class;
    block->capacity = static_cast<std::uint32_t>(block_bytes - sizeof(Block));
  }
  block->next = nullptr;
  taken_bytes_ += block_bytes;
  return block;
}

void BufferPool::give_back(Block* block) {
  kernel_owned_.assert_free(block->data(), block->capacity);
  const std::size_t block_bytes = block->capacity + sizeof(Block);
  ASSERT(taken_bytes_ >= block_bytes);
  taken_bytes_ -= block_bytes;
  if (block->size_class == class_custom || free_bytes_ + block_bytes > free_bytes_max) {
    std::free(block);
    return;
  }
  block->next = free_[block->size_class];
  free_[block->size_class] = block;
  free_bytes_ += block_bytes;
}

}  // namespace ringpost::engine
