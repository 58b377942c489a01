#pragma once

// KernelOwned: the registry of buffers that the kernel may still read or write. ASan does not see
// what the kernel does through an io_uring, so a buffer freed or reused while an operation is
// pending goes unnoticed. In debug builds every submitted range is noted until its completion has
// come, and a pool that gets a noted range back aborts. In release builds every call is empty.
//
// Owned by: one shard (or the simulator). Called on: owner only.

#include <cstddef>
#include <cstdint>
#ifdef RINGPOST_DEBUG
#include <map>
#endif

#include "engine/base/assert.h"

namespace ringpost::engine {

class KernelOwned {
 public:
#ifdef RINGPOST_DEBUG
  // The kernel owns [start, start + bytes) from here on. One range may be noted more than once (a
  // log segment that many sends read).
  void note(const void* start, std::size_t bytes);
  // Undoes one `note` of the same range. Requires: it was noted.
  void forget(const void* start, std::size_t bytes);
  // Aborts if any byte of the range is still noted.
  void assert_free(const void* start, std::size_t bytes) const;
  std::size_t count() const { return ranges_.size(); }
  ~KernelOwned();

 private:
  std::multimap<std::uintptr_t, std::size_t> ranges_;  // start -> bytes
  std::size_t bytes_max_ = 0;                          // the longest range ever noted
#else
  void note(const void*, std::size_t) {}
  void forget(const void*, std::size_t) {}
  void assert_free(const void*, std::size_t) const {}
  std::size_t count() const { return 0; }
#endif
};

}  // namespace ringpost::engine
