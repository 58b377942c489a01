#pragma once

// Plan: what a run does, as the shards need it: numbers and one Protocol, no words of the command
// line. Immutable while the run goes on; read by all shards.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/clock.h"
#include "engine/net/dial.h"
#include "tools/loadgen/fan_out.h"
#include "tools/loadgen/talk.h"

namespace ringpost::loadgen {

using engine::Nanos;

struct Plan {
  std::vector<engine::DialOptions> dials;  // taken in turns; they differ by their source
  std::unique_ptr<const Protocol> protocol;
  std::uint32_t shards = 1;
  std::uint64_t connections = 50;  // of all shards
  // The first so many of the connections send requests; the others only listen.
  std::uint64_t speakers = 50;
  // Requests in flight per connection: as many as that in a closed loop, at most in an open one.
  std::uint64_t pipeline = 1;
  std::optional<double> per_s;              // open loop: requests of all shards
  Nanos late_bound = engine::nanos_per_ms;  // open loop: who leaves later than that is late
  std::unique_ptr<Ledger> ledger;           // with fan-out
  // With fan-out. 0: everybody hears every speaker but himself. Else only those hear who do not
  // speak, each the speakers of one topic; both are spread evenly over the topics.
  std::uint64_t topics = 0;
  Nanos warmup = 0;
  Nanos duration = engine::never;  // of the measured period; never: until `requests` are done
  std::optional<std::uint64_t> requests;  // of all shards, warm-up included
  // As the measured period begins, every connection is closed and opened anew, evenly over so long.
  std::optional<Nanos> storm;
  Nanos reply_timeout = 10 * engine::nanos_per_s;  // for what is in flight at the end
  // Attempts to connect of one shard at a time: a server's backlog has an end.
  std::uint32_t connecting_max = 128;
  // Requests are written to a connection while less than this waits in it.
  std::uint64_t write_bytes_max = 256 * 1024;

  // Connection i is on shard i modulo `shards`, so of the first `count` so many are on `shard`.
  std::uint64_t of_first(std::uint64_t count, std::uint32_t shard) const {
    return count / shards + (shard < count % shards ? 1 : 0);
  }
  bool hears(std::uint64_t connection, std::uint64_t speaker) const {
    if (topics == 0) return connection != speaker;
    return connection >= speakers && (connection - speakers) % topics == speaker % topics;
  }
  std::uint32_t speaking_shards() const {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(shards, speakers));
  }
  // What one of those bears of a sum.
  std::uint64_t share_of(std::uint64_t sum, std::uint32_t shard) const {
    const std::uint64_t parts = speaking_shards();
    return shard >= parts ? 0 : sum / parts + (shard < sum % parts ? 1 : 0);
  }
};

}  // namespace ringpost::loadgen
