#pragma once

// Runs as the generator might yield them, the same in every build: one of each kind.

#include <string>
#include <vector>

#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

struct SampleRun {
  std::string name;
  RunResult run;
};

RunResult closed_run();   // 20 s and 2 s of warm-up, all well
RunResult stalled_run();  // open loop; the server stalls 100 ms every second
RunResult broken_run();   // interrupted, with errors and wrong replies full of <, & and wrong UTF-8
RunResult empty_run();    // nothing answered
RunResult ramp_run();
RunResult fan_out_run();
RunResult http_run();  // an hour of chat

std::vector<SampleRun> sample_runs();

}  // namespace ringpost::loadgen
