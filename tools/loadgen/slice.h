#pragma once

// Slice: what one shard counted in one second (a row of the result), or in the tail behind the
// last one. A shard fills it and then hands it over; nothing in it is shared.

#include <cstdint>
#include <optional>

#include "engine/base/clock.h"
#include "tools/loadgen/histogram.h"
#include "tools/loadgen/status_counts.h"

namespace ringpost::loadgen {

struct Slice {
  enum class Part : std::uint8_t {
    warmup,
    measured,
    tail,  // behind the measured period: answers to what was sent in it
  };

  Part part = Part::warmup;
  std::uint32_t shard = 0;
  std::uint32_t index = 0;  // of the shard's intervals, from 0; all shards change them together
  Nanos begin = 0;
  Nanos end = 0;
  std::uint64_t requests = 0;
  std::uint64_t replies = 0;
  std::uint64_t answered = 0;    // requests, in time; with fan-out, of all who were to hear them
  std::uint64_t failed = 0;      // requests that will have no right answer
  std::uint64_t mismatches = 0;  // faults
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t late = 0;
  std::uint64_t dropped = 0;
  std::uint64_t connections = 0;  // ready, at the end
  std::uint64_t sends = 0;        // handed to the kernel
  std::uint64_t receives = 0;     // buffers that it filled
  Nanos busy = 0;                 // CPU time of the thread, polling for work not counted
  Nanos run_delay = 0;            // runnable, but its CPU did something else
  StatusCounts statuses;          // HTTP
  Histogram latency;              // measured and tail: of what was due in the measured period

  std::optional<Histogram> connect_time;  // storm: from a connection's end until it is back
  std::optional<Histogram> service_time;  // open loop: the same from the send on
  std::optional<Histogram> send_delay;    // open loop: of what left, by how much too late
};

}  // namespace ringpost::loadgen
