// The daemon: reads its options, binds, starts the shards, and then waits for signals.
//
//   SIGTERM, SIGINT   drain: stop accepting, finish, close; a second one ends at once
//   SIGUSR1           print all counters as one JSON line on standard output

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>

#include "engine/io/uring_check.h"
#include "tools/options/limits.h"
#include "tools/ringpost/command_line.h"
#include "tools/ringpost/log.h"
#include "tools/ringpost/report_json.h"
#include "tools/ringpost/wiring.h"

namespace {

using ringpost::daemon::Log;
using ringpost::engine::FullReport;
using ringpost::engine::ShardGroup;

constexpr int exit_failed = 1;

void print(std::FILE* stream, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

// Takes the signals away from all threads that come later, and gives them as a descriptor.
int open_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void print_reports(const ShardGroup& group, std::vector<FullReport> reports) {
  std::sort(reports.begin(), reports.end(),
            [](const FullReport& a, const FullReport& b) { return a.shard.index < b.shard.index; });
  print(stdout, ringpost::daemon::report_json(reports, group.resolver_counters()));
}

std::string join(const std::vector<std::uint32_t>& numbers) {
  std::string text;
  for (const std::uint32_t number : numbers) {
    if (!text.empty()) text += ',';
    text += std::to_string(number);
  }
  return text;
}

void log_start(Log& log, const ringpost::daemon::Wiring& wiring,
               const ringpost::engine::ShardGroupOptions& group,
               const ringpost::engine::EngineInfo& engine) {
  log.info("started", {{"version", RINGPOST_VERSION},
                       {"engine", "io_uring"},
                       {"kernel", engine.kernel_release},
                       {"shards", group.cpus.size()},
                       {"cpus", join(group.cpus)},
                       {"spin_us", group.shard.spin_nanos / ringpost::engine::nanos_per_us},
                       {"connections_max", group.shard.connections_max}});
  for (const auto& service : wiring.services()) {
    log.info("listening", {{"service", service.name}, {"address", service.address}});
  }
}

// Waits for signals, reports and the end of all shards.
class Supervisor {
 public:
  Supervisor(ShardGroup& group, Log& log, int signals)
      : group_(group), log_(log), signals_(signals) {}

  void run() {
    while (!group_.ended()) {
      pollfd sources[2] = {{signals_, POLLIN, 0}, {group_.event(), POLLIN, 0}};
      if (poll(sources, 2, -1) < 0 && errno != EINTR) return;
      if ((sources[0].revents & POLLIN) != 0) take_signals();
      if ((sources[1].revents & POLLIN) != 0) take_reports();
    }
  }

 private:
  void take_signals() {
    signalfd_siginfo info;
    while (read(signals_, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGUSR1) {
        ask_reports();
      } else {
        stop(info.ssi_signo);
      }
    }
  }

  void stop(std::uint32_t signal_number) {
    const char* name = signal_number == SIGINT ? "SIGINT" : "SIGTERM";
    if (!draining_) {
      draining_ = true;
      log_.info("draining", {{"signal", name}});
      group_.drain();
    } else {
      log_.warn("stopping at once", {{"signal", name}});
      group_.drain_at_once();
    }
  }

  void ask_reports() {
    if (asked_) return;  // one line answers both
    asked_ = true;
    group_.request_reports();
  }

  void take_reports() {
    for (FullReport& report : group_.take_reports()) reports_.push_back(std::move(report));
    if (reports_.size() < group_.shard_count()) return;
    print_reports(group_, std::exchange(reports_, {}));
    asked_ = false;
  }

  ShardGroup& group_;
  Log& log_;
  int signals_;
  bool draining_ = false;
  bool asked_ = false;
  std::vector<FullReport> reports_;
};

int serve(const ringpost::daemon::Options& options) {
  Log log(options.log);
  ringpost::daemon::Wiring wiring(options, log);
  if (auto bound = wiring.bind(); !bound) {
    print(stderr, "ringpost: " + bound.error() + "\n");
    return exit_failed;
  }
  const auto group_options = wiring.group_options();
  const auto engine = ringpost::engine::check_io_uring(group_options.demand());
  if (!engine) {
    print(stderr, "ringpost: " + engine.error() + "\n");
    return exit_failed;
  }
  const int signals = open_signals();
  ShardGroup group(group_options);
  if (auto why = group.start([&](ringpost::engine::Shard& shard) { wiring.wire(shard); })) {
    print(stderr, "ringpost: " + *why + "\n");
    return exit_failed;
  }
  log_start(log, wiring, group_options, *engine);
  Supervisor(group, log, signals).run();
  print_reports(group, group.join());
  log.info("stopped");
  close(signals);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  ringpost::daemon::Host host;
  const auto files = ringpost::tools::raise_open_file_limit();
  const auto cpus = ringpost::tools::affinity_cpus();
  if (!files || !cpus) {
    print(stderr, "ringpost: cannot read the limits of this process\n");
    return exit_failed;
  }
  host.open_files_max = files.value().now;
  host.cpus = cpus.value();
  const auto command_line = ringpost::daemon::parse_options(argc, argv, host);
  if (!command_line.options) {
    print(command_line.exit_code == 0 ? stdout : stderr, command_line.text);
    return command_line.exit_code;
  }
  return serve(*command_line.options);
}
