// ringpost-load: loads a server and measures how it answers.

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "engine/io/uring_check.h"
#include "tools/loadgen/command_line.h"
#include "tools/loadgen/echo_talk.h"
#include "tools/loadgen/exit_code.h"
#include "tools/loadgen/summary.h"
#include "tools/loadgen/watch.h"
#include "tools/ringpost/limits.h"

namespace {

using namespace ringpost::loadgen;

void print(std::FILE* stream, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

int fail(int exit_code, const std::string& why) {
  print(stderr, "ringpost-load: " + why + "\n");
  return exit_code;
}

// Takes the signals away from all threads that come later, and gives them as a descriptor.
int open_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

std::unique_ptr<const Protocol> make_protocol(const Options& options) {
  const Wrapping wrapping =
      options.target.scheme == Scheme::frames ? Wrapping::length : Wrapping::none;
  return std::make_unique<EchoProtocol>(make_text_script(options.size, wrapping, options.seed));
}

Plan make_plan(const Options& options) {
  Plan plan;
  plan.dial.endpoint = options.target.endpoint;
  plan.dial.connect_timeout = options.connect_timeout;
  plan.protocol = make_protocol(options);
  plan.shards = static_cast<std::uint32_t>(options.threads);
  plan.connections = options.connections;
  plan.pipeline = options.pipeline;
  plan.warmup = *options.warmup;
  if (options.duration) plan.duration = *options.duration;
  plan.requests = options.requests;
  plan.reply_timeout = options.reply_timeout;
  return plan;
}

ringpost::engine::ShardGroupOptions make_group(const Options& options) {
  ringpost::engine::ShardGroupOptions group;
  group.cpus = options.cpus;
  group.shard.spin_nanos = *options.spin;
  group.shard.seed = options.seed;
  group.shard.drain_nanos = 2 * ringpost::engine::nanos_per_s;
  group.shard.connections.linger_nanos = ringpost::engine::nanos_per_s;
  group.resolver = ringpost::engine::CaresResolverOptions{};
  return group;
}

Setup make_setup(const Options& options, int argc, char** argv) {
  Setup setup;
  setup.arguments.assign(argv + 1, argv + argc);
  setup.target = to_text(options.target);
  setup.protocol = to_text(options.target.scheme);
  setup.seed = options.seed;
  setup.threads = static_cast<std::uint32_t>(options.threads);
  setup.thread_cpus = options.cpus;
  setup.connections = options.connections;
  setup.pipeline = options.pipeline;
  setup.size_min = options.size.min;
  setup.size_max = options.size.max;
  setup.duration = options.duration.value_or(0);
  setup.warmup = *options.warmup;
  setup.requests = options.requests;
  return setup;
}

int exit_code_of(const RunResult& result) {
  if (result.mismatch_count != 0) return exit_mismatch;
  if (!result.errors.empty()) return exit_unanswered;
  return exit_ok;
}

int load(const Options& options, int argc, char** argv) {
  const Plan plan = make_plan(options);
  const auto group = make_group(options);
  if (const auto io_uring = ringpost::engine::check_io_uring(group.demand()); !io_uring) {
    return fail(exit_environment, io_uring.error());
  }
  RunResult result;
  result.setup = make_setup(options, argc, argv);
  const int signals = open_signals();
  const auto style = options.quiet           ? Progress::Style::none
                     : isatty(STDERR_FILENO) ? Progress::Style::terminal
                                             : Progress::Style::lines;
  Progress progress(stderr, style);
  Watch watch(plan, group, progress, signals);
  const bool has_result = watch.run(result);
  close(signals);
  if (!has_result) return fail(watch.exit_code(), watch.failure());
  print(stdout, summary_text(result));
  return exit_code_of(result);
}

}  // namespace

int main(int argc, char** argv) {
  Host host;
  const auto files = ringpost::daemon::raise_open_file_limit();
  const auto cpus = ringpost::daemon::affinity_cpus();
  if (!files || !cpus) return fail(exit_environment, "cannot read the limits of this process");
  host.open_files_max = files.value().now;
  host.cpus = cpus.value();
  const CommandLine line = parse_command_line(argc, argv, host);
  if (!line.options) {
    print(line.exit_code == exit_ok ? stdout : stderr, line.text);
    return line.exit_code;
  }
  return load(*line.options, argc, argv);
}
