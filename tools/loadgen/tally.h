#pragma once

// Tally: puts the intervals of all shards together: a row per second, and the sums of the run.
//
// Owned by: the thread that watches the run.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "tools/loadgen/run_result.h"
#include "tools/loadgen/slice.h"

namespace ringpost::loadgen {

class Tally {
 public:
  // `start`: when the first request was due, the zero of the rows.
  Tally(std::uint32_t shards, Nanos start) : shards_(shards), start_(start), uses_(shards) {}

  void add(std::unique_ptr<Slice> interval);
  // Rows to which every shard has given its part, since the last call.
  std::vector<Second> take_rows();
  // The rest of the rows, whoever has not given its part, and the sums. Call once, at the end.
  void finish(RunResult& result);

 private:
  struct Row {
    Second sums;
    Slice::Part part = Slice::Part::tail;  // until there is a part that is something else
    Histogram latency;
    std::uint32_t parts = 0;
    Nanos elapsed = 0;  // of all shards together
    Nanos busy = 0;
  };

  void add_to(Row& row, const Slice& interval);
  void close_row(Row& row);

  std::uint32_t shards_;
  Nanos start_;
  Nanos began_ = engine::never;        // of the first measured interval
  std::map<std::uint32_t, Row> open_;  // by index
  std::vector<Second> rows_;           // all, tails not
  std::size_t rows_taken_ = 0;
  struct Use {
    Nanos measured = 0;  // how long
    Nanos busy = 0;
    ThreadUse sums;
  };
  std::vector<Use> uses_;  // by shard
  Second sums_;            // of the measured rows
  std::uint64_t answered_ = 0;
  StatusCounts statuses_;
  Histogram latency_;
  std::optional<Histogram> service_time_;
  std::optional<Histogram> send_delay_;
  std::optional<Histogram> connect_time_;
};

}  // namespace ringpost::loadgen
