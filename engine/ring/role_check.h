#pragma once

// RoleCheck: debug builds abort when two threads are inside one handle at the same time, which is
// how "one producer, one consumer" breaks in practice. It orders nothing (all relaxed), so it hides
// no race from TSan. It does not remember a thread: a handle may be built on one thread and handed
// to another, and the simulator runs every shard on one. In release builds nothing is left of it.

#ifdef RINGPOST_DEBUG
#include <atomic>
#endif

#include "engine/base/assert.h"

namespace ringpost::engine {

#ifdef RINGPOST_DEBUG
class RoleCheck {
 public:
  RoleCheck() = default;
  RoleCheck(RoleCheck&& other) noexcept { ASSERT(!other.busy_.load(std::memory_order_relaxed)); }
  RoleCheck& operator=(RoleCheck&& other) noexcept {
    ASSERT(!other.busy_.load(std::memory_order_relaxed));
    ASSERT(!busy_.load(std::memory_order_relaxed));
    return *this;
  }
  ~RoleCheck() = default;

  class Scope {
   public:
    explicit Scope(const RoleCheck& check) : check_(check) {
      ASSERT(!check_.busy_.exchange(true, std::memory_order_relaxed));
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { check_.busy_.store(false, std::memory_order_relaxed); }

   private:
    const RoleCheck& check_;
  };

 private:
  mutable std::atomic<bool> busy_{false};
};
#else
class RoleCheck {
 public:
  class Scope {
   public:
    explicit Scope(const RoleCheck&) {}
    ~Scope() {}  // Not trivial, so that an otherwise unused scope is no warning.
  };
};
#endif

}  // namespace ringpost::engine
