#pragma once

// Mesh: the lanes between N shards, one SPSC ring per ordered pair, and what it takes to wake
// whoever a lane leads to. A shard holds the producer ends of the lanes it sends on and the
// consumer ends of those it receives on; nobody else touches them.
//
// Lanes never deadlock: a shard drains its lanes whatever state its own outgoing lanes are in. It
// waits only for logs that have all that they take until the next flush, which comes each turn.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "engine/actor/message.h"
#include "engine/ring/parker.h"
#include "engine/ring/spsc_ring.h"
#include "engine/shard/inbox.h"

namespace ringpost::engine {

using Lane = SpscRing<Message>;

// One shard's ends, by the other shard's number; its own place is empty.
struct MeshPort {
  std::vector<std::optional<Lane::Producer>> to;
  std::vector<std::optional<Lane::Consumer>> from;
};

class Mesh {
 public:
  // Requires: lane_capacity is a power of two.
  Mesh(std::uint32_t shard_count, std::size_t lane_capacity);
  ~Mesh();  // Requires: every port was taken back. Disposes of what still lies in a lane or an
            // inbox.
  Mesh(const Mesh&) = delete;
  Mesh& operator=(const Mesh&) = delete;

  std::uint32_t shard_count() const { return shard_count_; }
  // Once per shard. Called on: any thread, ordered before the shard's first turn.
  MeshPort take_port(std::uint32_t shard);
  Parker& parker(std::uint32_t shard) { return parkers_[shard]; }
  Inbox& inbox(std::uint32_t shard) { return inboxes_[shard]; }

 private:
  Lane& lane(std::uint32_t source, std::uint32_t target) {
    return *lanes_[source * shard_count_ + target];
  }

  std::uint32_t shard_count_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::deque<Parker> parkers_;
  std::deque<Inbox> inboxes_;
};

}  // namespace ringpost::engine
