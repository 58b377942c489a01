#include "perf/client/meter.h"

#include <cstdio>
#include <ctime>
#include <fstream>

namespace ringpost::perf {

std::int64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

std::int64_t read_own_waited_ns() {
  std::ifstream file("/proc/thread-self/schedstat");
  std::int64_t ran = 0;
  std::int64_t waited = 0;
  file >> ran >> waited;
  return waited;
}

std::int64_t read_rss_kib(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  }
  return -1;
}

Meter::Meter(const Options& options) : options_(options) {
  last_ = now_ns();
  next_ = last_ + static_cast<std::int64_t>(options.warmup_s * 1e9);
}

bool Meter::next_phase(std::uint64_t messages, std::int64_t now) {
  Mark& mark = measuring_ ? end_ : start_;
  mark = {now, messages, read_own_waited_ns()};
  if (measuring_) return false;
  measuring_ = true;
  idle_ns_ = 0;
  // Reading /proc took its time: the window starts when it was read.
  last_ = start_.at = now_ns();
  next_ = start_.at + static_cast<std::int64_t>(options_.seconds * 1e9);
  return true;
}

std::string Meter::json() const {
  const auto elapsed = static_cast<double>(end_.at - start_.at);
  const auto count = static_cast<double>(messages());
  return field("began_ns", static_cast<std::uint64_t>(start_.at)) +
         field("seconds", elapsed / 1e9) + field("messages", messages()) +
         field("rate", count / (elapsed / 1e9)) +
         field("generator_idle", static_cast<double>(idle_ns_) / elapsed) +
         field("generator_waited",
               static_cast<double>(end_.own_waited_ns - start_.own_waited_ns) / elapsed);
}

std::string field(const char* name, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.6g", value);
  // A JSON number is never nan or inf (a run that counted nothing divides by zero).
  const bool finite = value - value == 0;
  return "\"" + std::string(name) + "\":" + (finite ? text : "null") + ",";
}

std::string field(const char* name, std::uint64_t value) {
  return "\"" + std::string(name) + "\":" + std::to_string(value) + ",";
}

std::string field(const char* name, const std::string& value) {
  return "\"" + std::string(name) + "\":\"" + value + "\",";
}

}  // namespace ringpost::perf
