#pragma once

// Watch: the run as the main thread sees it: starts the shards, tells their Generators what to do,
// hears the Board, the signals and the clock, and puts the result together.

#include <cstdint>
#include <optional>
#include <string>

#include "engine/shard/shard_group.h"
#include "tools/loadgen/board.h"
#include "tools/loadgen/plan.h"
#include "tools/loadgen/progress.h"
#include "tools/loadgen/run_result.h"
#include "tools/loadgen/tally.h"

namespace ringpost::loadgen {

class Watch {
 public:
  // `signals`: a signalfd, or any descriptor that yields signalfd_siginfo. All outlive the watch.
  Watch(const Plan& plan, engine::ShardGroupOptions group, Progress& progress, int signals);

  // Runs to the end. False: there is no result, and `failure` says why, with `exit_code`;
  // `interrupted` is set nevertheless if a single interrupt came before the first request.
  bool run(RunResult& result);
  const std::string& failure() const { return failure_; }
  int exit_code() const { return exit_code_; }

 private:
  void tell_all(std::uint16_t kind, Nanos body = 0);
  void take_signals();
  void take_news(RunResult& result);
  void on_all_ready();
  void fail(int exit_code, std::string why);

  const Plan& plan_;
  Progress& progress_;
  int signals_;
  Board board_;
  engine::ShardGroup group_;
  engine::MonotonicClock clock_;
  std::optional<Tally> tally_;  // once it is running
  std::uint32_t shards_ready_ = 0;
  std::uint32_t shards_idle_ = 0;
  std::uint32_t shards_done_ = 0;
  int interrupts_ = 0;
  std::string failure_;
  int exit_code_ = 0;
};

}  // namespace ringpost::loadgen
