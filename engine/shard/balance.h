#pragma once

// Balance: how many connections each shard serves, as the accepting shard counts them: one more per
// socket handed on, fewer as the shards report their ends. Hashing by the kernel (SO_REUSEPORT)
// leaves few long-lived connections badly spread; this does not.
//
// Owned by: the accepting shard. Called on: owner only.

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/actor/actor_ref.h"
#include "engine/base/assert.h"

namespace ringpost::engine {

class Balance {
 public:
  explicit Balance(std::uint32_t shard_count) : shard_count_(shard_count) {}

  // The shard with the fewest connections, which now has one more.
  std::uint32_t assign() {
    const auto least = std::min_element(loads_.begin(), loads_.begin() + shard_count_);
    ++*least;
    ++total_;
    return static_cast<std::uint32_t>(least - loads_.begin());
  }
  void assign_to(std::uint32_t shard) {
    ++loads_[shard];
    ++total_;
  }
  void ended(std::uint32_t shard, std::uint64_t count) {
    ASSERT(count <= loads_[shard]);
    loads_[shard] -= count;
    total_ -= count;
  }
  std::uint64_t total() const { return total_; }

 private:
  std::uint32_t shard_count_;
  std::uint64_t total_ = 0;
  std::array<std::uint64_t, shard_count_max> loads_ = {};
};

}  // namespace ringpost::engine
