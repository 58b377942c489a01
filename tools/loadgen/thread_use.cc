#include "tools/loadgen/thread_use.h"

#include <cstdio>
#include <ctime>

namespace ringpost::loadgen {

ThreadClock read_thread_clock() {
  ThreadClock clock;
  timespec time;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0) {
    clock.cpu = time.tv_sec * engine::nanos_per_s + time.tv_nsec;
  }
  if (std::FILE* file = std::fopen("/proc/thread-self/schedstat", "r")) {
    long long run = 0, delay = 0;
    if (std::fscanf(file, "%lld %lld", &run, &delay) == 2) clock.run_delay = delay;
    std::fclose(file);
  }
  return clock;
}

}  // namespace ringpost::loadgen
