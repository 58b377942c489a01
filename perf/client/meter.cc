#include "perf/client/meter.h"

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace ringpost::perf {
namespace {

void read_process(int pid, ServerTimes& times) {
  std::error_code ignored;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", ignored)) {
    std::ifstream file(task.path() / "schedstat");
    std::int64_t ran = 0;
    std::int64_t waited = 0;
    if (!(file >> ran >> waited)) continue;  // The thread has just ended.
    times.process_ns += ran;
    times.waited_ns += waited;
  }
}

void read_core(int cpu, ServerTimes& times) {
  const std::string wanted = "cpu" + std::to_string(cpu);
  std::ifstream file("/proc/stat");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string name;
    if (!(fields >> name) || name != wanted) continue;
    // user nice system idle iowait irq softirq steal; guest times are inside user.
    std::int64_t ticks = 0;
    for (int column = 0; column < 8 && fields >> ticks; ++column) {
      times.core_all_ticks += ticks;
      if (column != 3 && column != 4) times.core_busy_ticks += ticks;
    }
    return;
  }
}

}  // namespace

std::int64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

ServerTimes read_server_times(const Options& options) {
  ServerTimes times;
  if (options.server_pid != 0) read_process(options.server_pid, times);
  if (options.server_cpu >= 0) read_core(options.server_cpu, times);
  return times;
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

Meter::Meter(const Options& options, std::uint64_t messages_per_unit)
    : options_(options), messages_per_unit_(messages_per_unit) {
  last_ = now_ns();
  next_ = last_ + static_cast<std::int64_t>(options.warmup_s * 1e9);
}

bool Meter::next_phase(std::uint64_t units, std::int64_t now) {
  Mark& mark = measuring_ ? end_ : start_;
  mark = {now, units, read_own_waited_ns(), read_server_times(options_)};
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
  std::string out = field("seconds", elapsed / 1e9) + field("messages", messages()) +
                    field("rate", count / (elapsed / 1e9)) +
                    field("generator_idle", static_cast<double>(idle_ns_) / elapsed) +
                    field("generator_waited",
                          static_cast<double>(end_.own_waited_ns - start_.own_waited_ns) / elapsed);
  if (options_.server_pid != 0) {
    const auto ran = static_cast<double>(end_.server.process_ns - start_.server.process_ns);
    const auto waited = static_cast<double>(end_.server.waited_ns - start_.server.waited_ns);
    out += field("server_waited", waited / elapsed);
    out += field("server_process_busy", ran / elapsed);
    out += field("server_process_ns_per_message", ran / count);
  }
  if (options_.server_cpu >= 0) {
    const auto busy =
        static_cast<double>(end_.server.core_busy_ticks - start_.server.core_busy_ticks);
    const auto all = static_cast<double>(end_.server.core_all_ticks - start_.server.core_all_ticks);
    const double share = all > 0 ? busy / all : 0;
    out += field("server_core_busy", share);
    out += field("server_core_ns_per_message", share * elapsed / count);
  }
  return out;
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
