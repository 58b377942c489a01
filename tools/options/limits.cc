#include "tools/options/limits.h"

#include <sched.h>
#include <sys/resource.h>

#include <cerrno>
#include <memory>

namespace ringpost::tools {

namespace {

using engine::Result;
using engine::Unexpected;

Unexpected<std::error_code> last_error() {
  return Unexpected{std::error_code(errno, std::generic_category())};
}

}  // namespace

Result<OpenFileLimit, std::error_code> raise_open_file_limit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return last_error();
  const rlim_t before = limit.rlim_cur;
  if (limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return last_error();
  }
  return OpenFileLimit{.before = before, .now = limit.rlim_cur};
}

Result<std::vector<int>, std::error_code> affinity_cpus() {
  // The kernel refuses a set smaller than its own with EINVAL, and does not say how large that is.
  constexpr int cpus_max = 1 << 16;
  for (int cpus = CPU_SETSIZE; cpus <= cpus_max; cpus *= 2) {
    const auto free_set = [](cpu_set_t* set) { CPU_FREE(set); };
    const std::unique_ptr<cpu_set_t, decltype(free_set)> set(
        CPU_ALLOC(static_cast<std::size_t>(cpus)), free_set);
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
    if (sched_getaffinity(0, bytes, set.get()) != 0) {
      if (errno == EINVAL) continue;
      return last_error();
    }
    std::vector<int> found;
    for (int cpu = 0; cpu < cpus; ++cpu) {
      if (CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes, set.get())) found.push_back(cpu);
    }
    return found;
  }
  return Unexpected{std::error_code(EINVAL, std::generic_category())};
}

}  // namespace ringpost::tools
