#include "tests/protocols/orders/count_allocations.h"

#include <cstdlib>
#include <new>

// A file of its own, so that no compiler pairs a new of the tests with the free in here.

namespace {
std::size_t count = 0;
}

void* operator new(std::size_t bytes) {
  ++count;
  if (void* const p = std::malloc(bytes)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, std::align_val_t align) {
  ++count;
  const auto unit = static_cast<std::size_t>(align);
  if (void* const p = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

std::size_t ringpost::orders::allocation_count() { return count; }
