#pragma once

// Plan: what a run does, as the shards need it: numbers and one Protocol, no words of the command
// line. Immutable while the run goes on; read by all shards.

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/base/clock.h"
#include "engine/net/dial.h"
#include "tools/loadgen/talk.h"

namespace ringpost::loadgen {

using engine::Nanos;

struct Plan {
  engine::DialOptions dial;
  std::unique_ptr<const Protocol> protocol;
  std::uint32_t shards = 1;
  std::uint64_t connections = 50;  // of all shards
  std::uint64_t pipeline = 1;      // closed loop: requests in flight per connection
  Nanos warmup = 0;
  Nanos duration = engine::never;  // of the measured period; never: until `requests` are done
  std::optional<std::uint64_t> requests;           // of all shards, warm-up included
  Nanos reply_timeout = 10 * engine::nanos_per_s;  // for what is in flight at the end
  // Attempts to connect of one shard at a time: a server's backlog has an end.
  std::uint32_t connecting_max = 128;
  // Requests are written to a connection while less than this waits in it.
  std::uint64_t write_bytes_max = 256 * 1024;

  // The part of a sum that one shard bears.
  std::uint64_t share_of(std::uint64_t sum, std::uint32_t shard) const {
    return sum / shards + (shard < sum % shards ? 1 : 0);
  }
};

}  // namespace ringpost::loadgen
