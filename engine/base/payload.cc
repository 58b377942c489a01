#include "engine/base/payload.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace ringpost::engine {

PayloadPool::~PayloadPool() {
  collect_returned();
  ASSERT(owner_.live == 0);
  for (PayloadBlock* block : owner_.free) {
    while (block != nullptr) {
      PayloadBlock* next = block->next;
      std::free(block);
      block = next;
    }
  }
}

Payload PayloadPool::make(std::size_t bytes) {
  const std::size_t whole = bytes + sizeof(PayloadBlock);
  std::uint32_t size_class = 0;
  while (size_class < class_custom && class_bytes[size_class] < whole) ++size_class;
  const std::size_t block_bytes = size_class == class_custom ? whole : class_bytes[size_class];
  ASSERT(block_bytes <= UINT32_MAX);

  PayloadBlock* block = nullptr;
  if (size_class == class_custom || owner_.free[size_class] == nullptr) collect_returned();
  if (size_class < class_custom) block = owner_.free[size_class];
  if (block != nullptr) {
    owner_.free[size_class] = block->next;
    // Relaxed: nobody else knows the block; the hand-over to the next holder publishes it.
    block->count.store(1, std::memory_order_relaxed);
  } else {
    void* memory = std::malloc(block_bytes);
    ASSERT(memory != nullptr);
    block = new (memory) PayloadBlock{{1}, 0, 0, size_class, this, nullptr};
    block->capacity = static_cast<std::uint32_t>(block_bytes - sizeof(PayloadBlock));
  }
  block->size = static_cast<std::uint32_t>(bytes);
  ++owner_.live;
  return Payload(block);
}

Payload PayloadPool::make(Bytes content) {
  Payload payload = make(content.size());
  std::memcpy(payload.fill(), content.data(), content.size());
  return payload;
}

void PayloadPool::give_back(PayloadBlock* block) {
  // Relaxed load: only the starting guess of the exchange below.
  PayloadBlock* head = returned_.load(std::memory_order_relaxed);
  do {
    block->next = head;
    // Release: pairs with the acquiring exchange in collect_returned; `next` and the reads before
    // it happen first.
  } while (!returned_.compare_exchange_weak(head, block, std::memory_order_release,
                                            std::memory_order_relaxed));
}

void PayloadPool::collect_returned() {
  // Acquire: pairs with the release in give_back.
  PayloadBlock* block = returned_.exchange(nullptr, std::memory_order_acquire);
  while (block != nullptr) {
    PayloadBlock* next = block->next;
    ASSERT(owner_.live > 0);
    --owner_.live;
    if (block->size_class == class_custom) {
      std::free(block);
    } else {
      block->next = owner_.free[block->size_class];
      owner_.free[block->size_class] = block;
    }
    block = next;
  }
}

}  // namespace ringpost::engine
