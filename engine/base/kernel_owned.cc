#include "engine/base/kernel_owned.h"

#ifdef RINGPOST_DEBUG

namespace ringpost::engine {

void KernelOwned::note(const void* start, std::size_t bytes) {
  ranges_.emplace(reinterpret_cast<std::uintptr_t>(start), bytes);
  if (bytes > bytes_max_) bytes_max_ = bytes;
}

void KernelOwned::forget(const void* start, std::size_t bytes) {
  auto [at, end] = ranges_.equal_range(reinterpret_cast<std::uintptr_t>(start));
  while (at != end && at->second != bytes) ++at;
  ASSERT(at != end);
  ranges_.erase(at);
}

void KernelOwned::assert_free(const void* start, std::size_t bytes) const {
  const auto from = reinterpret_cast<std::uintptr_t>(start);
  // No noted range is longer than bytes_max_, so none that starts earlier than that can reach
  // `start`.
  const std::uintptr_t first = from > bytes_max_ ? from - bytes_max_ : 0;
  for (auto at = ranges_.lower_bound(first); at != ranges_.end() && at->first < from + bytes;
       ++at) {
    ASSERT(at->first + at->second <= from);  // else: freed or reused while the kernel owns it
  }
}

KernelOwned::~KernelOwned() = default;

}  // namespace ringpost::engine

#endif
