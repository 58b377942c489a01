#include "tools/loadgen/report/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <string_view>

namespace ringpost::loadgen {

const char* built_from();  // The commit: in a source that every build writes, see commit.cmake.

namespace {

constexpr const char* unknown = "unknown";

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != line.npos) return line.substr(colon + 2);
  }
  return unknown;
}

std::string kernel_release() {
  utsname names;
  return uname(&names) == 0 ? names.release : unknown;
}

}  // namespace

Machine read_machine() {
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  return {RINGPOST_VERSION, built_from(), kernel_release(), cpu_model(),
          cpus > 0 ? static_cast<std::uint32_t>(cpus) : 0};
}

}  // namespace ringpost::loadgen
