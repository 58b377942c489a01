#pragma once

// The atomics that a ring is made of, as a policy: std::atomic in production, Relacy's simulated
// ones in its tests, so that the proof runs on the very source that is shipped.
//
// Every memory order has a name, its site. A ring writes
//
//   tail.store(t, Atomics::order(SpscSite::publish_tail, std::memory_order_release));
//
// In production `order` returns what it is given and nothing is left of it. The Relacy tests use it
// to weaken one site at a time and demand that the simulator then finds a bug: an order whose
// weakening nobody notices is too strong and is lowered instead.

#include <atomic>

namespace ringpost::engine {

struct StdAtomics {
  template <typename T>
  using Atomic = std::atomic<T>;

  // A variable that only the published order of the atomics protects. Relacy's one detects races.
  template <typename T>
  using Plain = T;

  template <typename Site>
  static constexpr std::memory_order order(Site, std::memory_order order) {
    return order;
  }
};

}  // namespace ringpost::engine
