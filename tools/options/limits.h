#pragma once

// Limits: what the machine allows this process, asked once at start.

#include <cstdint>
#include <system_error>
#include <vector>

#include "engine/base/result.h"

namespace ringpost::tools {

struct OpenFileLimit {
  std::uint64_t before;  // the soft limit that we were started with
  std::uint64_t now;     // the soft limit in force: the hard limit, which root alone may raise
};

// Raises the soft limit of open files to the hard limit. Every connection is one open file.
engine::Result<OpenFileLimit, std::error_code> raise_open_file_limit();

// The CPUs that this process may run on (sched_getaffinity), ascending.
engine::Result<std::vector<int>, std::error_code> affinity_cpus();

// What defaults depend on. Tests make one up.
struct Host {
  std::vector<int> cpus;             // ascending, not empty
  std::uint64_t open_files_max = 0;  // see OpenFileLimit::now
};

}  // namespace ringpost::tools
