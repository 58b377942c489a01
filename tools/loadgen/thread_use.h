#pragma once

// What the calling thread has used so far of its CPU.

#include "engine/base/clock.h"

namespace ringpost::loadgen {

struct ThreadClock {
  engine::Nanos cpu = 0;        // user and system
  engine::Nanos run_delay = 0;  // runnable, but not running; zero where the kernel does not tell
};
ThreadClock read_thread_clock();

}  // namespace ringpost::loadgen
