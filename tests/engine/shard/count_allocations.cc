#include "tests/engine/shard/count_allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::size_t> count{0};

void* counted(void* memory) {
  count.fetch_add(1, std::memory_order_relaxed);
  return memory;
}
void* or_throw(void* memory) { return memory != nullptr ? memory : throw std::bad_alloc(); }
}  // namespace

// The linker sends our calls here, and `__real_*` to the library.
extern "C" {
void* __real_malloc(std::size_t bytes);
void* __real_calloc(std::size_t items, std::size_t bytes);
void* __real_realloc(void* memory, std::size_t bytes);
void* __real_aligned_alloc(std::size_t alignment, std::size_t bytes);

void* __wrap_malloc(std::size_t bytes) { return counted(__real_malloc(bytes)); }
void* __wrap_calloc(std::size_t items, std::size_t bytes) {
  return counted(__real_calloc(items, bytes));
}
void* __wrap_realloc(void* memory, std::size_t bytes) {
  return counted(__real_realloc(memory, bytes));
}
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return counted(__real_aligned_alloc(alignment, bytes));
}
}

void* operator new(std::size_t bytes) { return or_throw(std::malloc(bytes)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  return or_throw(std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

std::size_t ringpost::engine::allocation_count() { return count.load(std::memory_order_relaxed); }
