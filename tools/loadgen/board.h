#pragma once

// Board: what the shards have to say to the thread that watches the run. Rare words: a few per
// second and shard.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tools/loadgen/run_result.h"
#include "tools/loadgen/slice.h"

namespace ringpost::loadgen {

// All that was said since the last look.
struct News {
  std::uint32_t shards_ready = 0;  // all connections of that many more shards are ready
  std::uint32_t shards_idle = 0;   // speaking ones: nothing of them is in flight, nor will be
  std::uint32_t shards_done = 0;
  std::vector<std::unique_ptr<Slice>> intervals;
  std::uint64_t mismatch_count = 0;
  std::vector<Mismatch> mismatches;  // of these, the run's first
  std::vector<ErrorCount> errors;
  std::vector<std::string> unreachable;  // why there is nobody to load: the run cannot begin
  std::uint64_t connects = 0;            // established
  std::uint64_t connects_failed = 0;
};

class Board {
 public:
  // Of the mismatches, the first so many are kept.
  static constexpr std::size_t mismatches_max = 20;

  Board();
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  // Called on: any shard.
  void shard_ready();
  void shard_idle();
  void shard_done();
  void interval(std::unique_ptr<Slice> interval);
  void mismatch(Mismatch mismatch);
  void error(std::string kind, std::string example, std::uint64_t count = 1);
  void unreachable(std::string why);
  void connects(std::uint64_t established, std::uint64_t failed);

  // Readable when there are news.
  int event() const { return event_; }
  News take();

 private:
  template <typename Change>
  void post(Change&& change);

  int event_;
  std::mutex mutex_;
  News news_;
  std::size_t mismatches_kept_ = 0;
};

}  // namespace ringpost::loadgen
