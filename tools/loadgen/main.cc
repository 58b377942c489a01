// ringpost-load: loads a server and measures how it answers.

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/io/uring_check.h"
#include "tools/loadgen/chat_talk.h"
#include "tools/loadgen/command_line.h"
#include "tools/loadgen/compare/compare.h"
#include "tools/loadgen/echo_talk.h"
#include "tools/loadgen/exit_code.h"
#include "tools/loadgen/http_talk.h"
#include "tools/loadgen/orders_talk.h"
#include "tools/loadgen/ramp.h"
#include "tools/loadgen/relay_talk.h"
#include "tools/loadgen/report/machine.h"
#include "tools/loadgen/report/outputs.h"
#include "tools/loadgen/report/text.h"
#include "tools/loadgen/warnings.h"
#include "tools/loadgen/watch.h"
#include "tools/options/limits.h"

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

Script text_script(const Options& options, Wrapping wrapping) {
  return make_text_script(options.size, wrapping, options.seed);
}

RelayOptions relay_options(const Options& options) {
  const auto started = std::chrono::steady_clock::now().time_since_epoch().count();
  return {.size = options.size,
          .senders = options.senders,
          .topics = options.topics,
          .seed = options.seed,
          .run = std::to_string(started)};
}

std::unique_ptr<const Protocol> make_protocol(const Options& options) {
  switch (options.target.scheme) {
    case Scheme::tcp:
      return std::make_unique<EchoProtocol>(text_script(options, Wrapping::none), options.check);
    case Scheme::frames:
      return std::make_unique<EchoProtocol>(text_script(options, Wrapping::length), options.check);
    case Scheme::orders:
      return std::make_unique<OrdersProtocol>(options.mix, options.own_buys);
    case Scheme::chat:
      return std::make_unique<ChatProtocol>(text_script(options, Wrapping::crlf), options.senders);
    case Scheme::http:
      return std::make_unique<HttpProtocol>(options.http, options.target);
    case Scheme::ws:
      return std::make_unique<RelayProtocol>(relay_options(options), options.target);
  }
  return nullptr;
}

std::vector<ringpost::engine::DialOptions> make_dials(const Options& options) {
  ringpost::engine::DialOptions dial;
  dial.endpoint = options.target.endpoint;
  dial.connect_timeout = options.connect_timeout;
  if (options.sources.empty()) return {dial};
  std::vector<ringpost::engine::DialOptions> dials;
  for (const auto& source : options.sources) {
    dial.source = source;
    dials.push_back(dial);
  }
  return dials;
}

Plan make_plan(const Options& options) {
  Plan plan;
  plan.dials = make_dials(options);
  plan.protocol = make_protocol(options);
  plan.shards = static_cast<std::uint32_t>(options.threads);
  plan.connections = plan.speakers = *options.connections;
  plan.pipeline = *options.pipeline;
  plan.per_s = options.rate;
  plan.warmup = *options.warmup;
  if (options.duration) plan.duration = *options.duration;
  plan.requests = options.requests;
  plan.storm = options.storm;
  plan.reply_timeout = options.reply_timeout;
  if (options.target.scheme == Scheme::ws) plan.topics = options.topics;
  if (is_fan_out(options.target.scheme)) {
    plan.speakers = options.senders;
    plan.ledger = std::make_unique<Ledger>(options.senders, plan.pipeline);
  }
  if (options.target.scheme == Scheme::orders) {
    // Fewer would wait for ever: only a GET is answered.
    const auto& protocol = static_cast<const OrdersProtocol&>(*plan.protocol);
    plan.pipeline = std::max<std::uint64_t>(plan.pipeline, protocol.script().answered_max);
  }
  return plan;
}

// In an open loop the clock is looked at between receives of so many bytes: what is due does not
// wait until a server's whole backlog of answers is read.
constexpr std::uint32_t paced_input_bytes = 16 * 1024;

ringpost::engine::ShardGroupOptions make_group(const Options& options) {
  ringpost::engine::ShardGroupOptions group;
  group.cpus = options.cpus;
  group.shard.spin_nanos = *options.spin;
  group.shard.seed = options.seed;
  if (options.rate) group.shard.input_bytes_per_turn = paced_input_bytes;
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
  setup.loop = options.storm ? LoopKind::storm : options.rate ? LoopKind::open : LoopKind::closed;
  setup.asked_per_s = options.rate;
  setup.connections = *options.connections;
  setup.pipeline = *options.pipeline;
  if (options.target.scheme == Scheme::ws) {
    setup.method = "POST";
    setup.topics = options.topics;
  }
  if (is_fan_out(options.target.scheme)) {
    setup.senders = options.senders;
    setup.listeners = options.listeners;
  }
  if (options.target.scheme == Scheme::orders) {
    setup.mix =
        "buy:" + std::to_string(options.mix.buys) + ",get:" + std::to_string(options.mix.gets);
  }
  if (options.target.scheme == Scheme::http) {
    setup.method = method_of(options.http);
    setup.size_min = setup.size_max = options.http.body.value_or("").size();
  } else if (options.target.scheme != Scheme::orders) {
    setup.size_min = options.size.min;
    setup.size_max = options.size.max;
  }
  setup.duration = options.duration.value_or(0);
  setup.checked = options.check == Check::full;
  setup.warmup = *options.warmup;
  setup.requests = options.requests;
  return setup;
}

// Of the rate that was asked for, --strict wants that much.
constexpr double strict_part = 0.999;

// Whether the server answered at all, or kept its connections at least.
bool was_there(const RunResult& result) {
  const auto is_silence = [](const ErrorCount& error) { return error.kind == "unanswered"; };
  return result.replies != 0 || !result.statuses.empty() ||
         std::ranges::all_of(result.errors, is_silence);
}

int exit_code_of(const RunResult& result, const Options& options) {
  if (result.mismatch_count != 0) return exit_mismatch;
  // The errors of a ramp that found a rate are those of others, by which they did not hold.
  if (options.ramp && result.ramp_best_per_s) return exit_ok;
  if (!result.errors.empty()) return was_there(result) ? exit_unanswered : exit_unreachable;
  if (options.ramp) return result.interrupted ? exit_ok : exit_too_slow;
  if (options.strict && !result.reached(strict_part)) return exit_too_slow;
  return exit_ok;
}

Progress::Style progress_style(const Options& options) {
  if (options.quiet) return Progress::Style::none;
  return isatty(STDERR_FILENO) != 0 ? Progress::Style::terminal : Progress::Style::lines;
}

bool prints_file(const OutputPaths& files) {
  return files.json == "-" || files.csv == "-" || files.html == "-" || files.hgrm == "-";
}

// Replies with a status that is not right are errors.
void add_wrong_statuses(RunResult& result, const HttpOptions& options) {
  result.statuses.for_each([&](std::uint16_t status, std::uint64_t count) {
    if (options.is_right(status)) return;
    const std::string name = "status " + std::to_string(status);
    result.errors.push_back({name, count, "the server answered so"});
  });
}

// One run, or one step of a ramp. The exit code if there is no result.
std::optional<int> run_once(const Options& options, Progress& progress, int signals,
                            RunResult& result) {
  const Plan plan = make_plan(options);
  result.setup.pipeline = plan.pipeline;  // of orders, perhaps more than was asked for
  if (options.rate) result.late_bound = plan.late_bound;
  Watch watch(plan, make_group(options), progress, signals);
  if (!watch.run(result)) return fail(watch.exit_code(), watch.failure());
  for (std::size_t i = 0; i < result.threads.size(); ++i) result.threads[i].cpu = options.cpus[i];
  add_wrong_statuses(result, options.http);
  result.warnings = find_warnings(result);
  return std::nullopt;
}

// Of the rate that was asked for, a step of a ramp has to reach that much.
constexpr double ramp_part = 0.99;

// Why a step did not hold; empty: it did.
std::string why_broken(const RunResult& step, Nanos p99_max) {
  if (step.mismatch_count != 0) return "wrong replies";
  if (!step.errors.empty()) return step.errors.front().kind;
  if (step.dropped != 0) return "requests were due and never left";
  if (!step.reached(ramp_part)) return "the rate";
  return step.latency.value_at(99) <= p99_max ? "" : "p99";
}

// What was wrong in any step is wrong in the ramp.
void add_faults(RunResult& faults, const RunResult& step) {
  faults.mismatch_count += step.mismatch_count;
  std::ranges::copy(step.mismatches, std::back_inserter(faults.mismatches));
  faults.add_errors(step.errors);
}

// Runs at rate after rate, until a reply is wrong. The result is that of the highest one that held,
// or of the last, with the faults of all. The first interrupt ends the ramp: the step that it cuts
// is not judged.
std::optional<int> run_ramp(Options options, Progress& progress, int signals, RunResult& result) {
  const RunResult empty = result;
  Ramp ramp(*options.rate);
  RunResult faults;
  std::vector<RampStep> steps;
  bool interrupted = false;
  for (auto rate = ramp.next(); rate && faults.mismatch_count == 0; rate = ramp.next()) {
    options.rate = *rate;
    RunResult step = empty;
    step.setup.asked_per_s = *rate;
    const auto failed = run_once(options, progress, signals, step);
    interrupted = step.interrupted;
    // Before the first request of a step nothing is cut: what was found until now is the result.
    if (failed == exit_interrupted && interrupted && !steps.empty()) break;
    if (failed) return failed;
    add_faults(faults, step);
    if (interrupted) {
      if (steps.empty()) result = std::move(step);
      break;
    }
    const std::string why = why_broken(step, *options.ramp);
    const bool held = why.empty();
    steps.push_back({*rate, step.reached_per_s(), step.latency.value_at(99), held, why});
    ramp.tried(held);
    if (held || !ramp.highest_held()) result = std::move(step);
  }
  result.mismatch_count = faults.mismatch_count;
  result.mismatches = std::move(faults.mismatches);
  result.errors = std::move(faults.errors);
  result.interrupted = interrupted;
  result.setup.loop = LoopKind::ramp;
  result.ramp = std::move(steps);
  result.ramp_best_per_s = ramp.highest_held();
  return std::nullopt;
}

int load(const Options& options, int argc, char** argv) {
  if (const auto usable = ringpost::engine::check_io_uring(make_group(options).demand()); !usable) {
    return fail(exit_environment, usable.error());
  }
  auto outputs = Outputs::open(options.files);
  if (!outputs) return fail(exit_environment, outputs.error());
  RunResult result;
  result.machine = read_machine();
  result.setup = make_setup(options, argc, argv);
  const int signals = open_signals();
  Progress progress(stderr, progress_style(options));
  const auto failed = options.ramp ? run_ramp(options, progress, signals, result)
                                   : run_once(options, progress, signals, result);
  close(signals);
  if (failed) return *failed;
  const Detail detail = options.verbose ? Detail::full : Detail::usual;
  if (!prints_file(options.files)) print(stdout, to_text(result, detail));
  if (const auto wrong = outputs->write(result)) return fail(exit_environment, *wrong);
  return exit_code_of(result, options);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "compare") return run_compare(argc - 1, argv + 1);
  Host host;
  const auto files = ringpost::tools::raise_open_file_limit();
  const auto cpus = ringpost::tools::affinity_cpus();
  if (!files || !cpus) return fail(exit_environment, "cannot read the limits of this process");
  host.open_files_max = files.value().now;
  host.cpus = cpus.value();
  const CommandLine line = parse_command_line(argc, argv, host);
  if (!line.options) {
    print(line.exit_code == exit_ok ? stdout : stderr, line.text);
    return line.exit_code;
  }
  if (const auto why = too_few_files(*line.options, host); !why.empty()) {
    return fail(exit_environment, why);
  }
  return load(*line.options, argc, argv);
}
