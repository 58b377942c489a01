#include "tools/loadgen/report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/loadgen/report/human.h"

namespace ringpost::loadgen {

namespace {

constexpr std::size_t usually_shown_max = 5;  // mismatches and kinds of errors
constexpr std::pair<double, const char*> columns[] = {
    {50, "p50"}, {90, "p90"}, {95, "p95"}, {99, "p99"}, {99.9, "p99.9"}, {99.99, "p99.99"}};

std::string plural(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", human_count(count), count == 1 ? one : many);
}

// A label in a column of its own, and what it says.
std::string line(std::string_view label, std::string_view text) {
  return fmt::format("  {:<13} {}\n", label, printable(text));
}

std::string size_of(const Setup& setup) {
  const std::string largest = human_bytes(double(setup.size_max));
  if (setup.size_min == setup.size_max) return largest;
  return human_bytes(double(setup.size_min)) + " to " + largest;
}

std::string length_of(const Setup& setup) {
  std::string text =
      setup.requests ? plural(*setup.requests, "request", "requests") : human_time(setup.duration);
  if (setup.warmup > 0) text += " after " + human_time(setup.warmup) + " of warm-up";
  return text;
}

std::string rates(const RunResult& run) {
  const bool fan_out = run.setup.listeners.has_value();
  std::string text =
      line("rate", fmt::format("{:<10} {} in {}", human_rate(run.rate_per_s()),
                               fan_out ? plural(run.replies, "delivery", "deliveries")
                                       : plural(run.replies, "reply", "replies"),
                               human_time(run.elapsed)));
  if (run.setup.asked_per_s) {
    text +=
        line("asked", fmt::format("{:<10} late {}, dropped {}", human_rate(*run.setup.asked_per_s),
                                  human_count(run.late), human_count(run.dropped)));
  }
  if (run.ramp_best_per_s) text += line("best held", human_rate(*run.ramp_best_per_s));
  const double seconds = run.seconds_elapsed();
  if (seconds > 0) {
    text += line("traffic",
                 fmt::format("{}/s out, {}/s in", human_bytes(double(run.bytes_sent) / seconds),
                             human_bytes(double(run.bytes_received) / seconds)));
  }
  return text;
}

std::string latency_head() {
  std::string text;
  for (const auto& [percentile, name] : columns) text += fmt::format("{:>10}", name);
  return line("latency", text + fmt::format("{:>10}", "max"));
}

std::string latency_row(std::string_view label, const Histogram& histogram) {
  std::string text;
  for (const auto& [percentile, name] : columns) {
    text += fmt::format("{:>10}", human_time(histogram.value_at(percentile)));
  }
  return line(label, text + fmt::format("{:>10}", human_time(histogram.max())));
}

std::string latencies(const RunResult& run) {
  if (run.latency.empty()) return line("latency", "no reply was received");
  std::string text = latency_head();
  text += latency_row(latency_origin(run.setup), run.latency);
  const std::pair<const char*, const std::optional<Histogram>&> others[] = {
      {"from send", run.service_time},
      {"sent late by", run.send_delay},
      {"connecting", run.connect_time}};
  for (const auto& [label, histogram] : others) {
    if (histogram && !histogram->empty()) text += latency_row(label, *histogram);
  }
  return text;
}

std::string ramp(const std::vector<RampStep>& steps) {
  std::string text;
  for (const RampStep& step : steps) {
    text += line(&step == &steps.front() ? "ramp" : "",
                 fmt::format("{:>10} asked {:>10} achieved   p99 {:>8}   {}",
                             human_rate(step.asked_per_s), human_rate(step.achieved_per_s),
                             human_time(step.p99), step.held ? "held" : "not held: " + step.why));
  }
  return text;
}

std::string statuses(const RunResult& run) {
  return run.setup.method.empty() ? "" : line("statuses", statuses_text(run));
}

std::string reconnects(const RunResult& run) {
  if (run.connects <= run.setup.connections) return "";
  return line("reconnects", human_count(run.connects - run.setup.connections));
}

std::string errors(const RunResult& run, std::size_t most) {
  if (run.errors.empty()) return line("errors", "none");
  std::string text = line("errors", human_count(run.error_count()));
  for (std::size_t i = 0; i < std::min(run.errors.size(), most); ++i) {
    const ErrorCount& error = run.errors[i];
    text += line("", fmt::format("{} {}{}{}", human_count(error.count), error.kind,
                                 error.example.empty() ? "" : ": ", error.example));
  }
  return text;
}

std::string mismatches(const RunResult& run, std::size_t most) {
  if (!run.setup.checked) return line("mismatches", "not checked");
  if (run.mismatch_count == 0) return line("mismatches", "none");
  std::string text = line("mismatches", human_count(run.mismatch_count));
  for (std::size_t i = 0; i < std::min(run.mismatches.size(), most); ++i) {
    const Mismatch& found = run.mismatches[i];
    text +=
        line("", fmt::format("connection {}, reply {}: {}{}{}", found.connection, found.sequence,
                             found.kind, found.detail.empty() ? "" : ": ", found.detail));
  }
  return text;
}

// How late requests left: nobody knows where they are due when there is room for them.
std::string lag_text(const Setup& setup, Nanos lag) {
  return measures_from_due_time(setup) ? fmt::format(", at most {} late", human_time(lag)) : "";
}

std::string generator(const RunResult& run) {
  const std::vector<ThreadUse>& threads = run.threads;
  if (threads.empty()) return "";
  double busy = 0;
  Nanos lag = 0, delay = 0;
  for (const ThreadUse& use : threads) {
    busy += use.busy_share / double(threads.size());
    lag = std::max(lag, use.lag_max);
    delay = std::max(delay, use.run_delay);
  }
  return line("generator", fmt::format("{} busy on {}{}, waited {} for a CPU", human_percent(busy),
                                       plural(threads.size(), "thread", "threads"),
                                       lag_text(run.setup, lag), human_time(delay)));
}

std::string bytes_each(std::uint64_t bytes, std::uint64_t count) {
  return count == 0 ? "none" : human_bytes(double(bytes) / double(count)) + " each";
}

// What the usual text sums up, and what else is known.
std::string details(const RunResult& run) {
  std::string text;
  std::uint64_t sends = 0, receives = 0;
  for (const ThreadUse& use : run.threads) {
    text += line(text.empty() ? "threads" : "",
                 fmt::format("CPU {}: {} busy, {}{}, waited {} for it", use.cpu,
                             human_percent(use.busy_share), plural(use.sent, "request", "requests"),
                             lag_text(run.setup, use.lag_max), human_time(use.run_delay)));
    sends += use.sends;
    receives += use.receives;
  }
  text +=
      line("sends", fmt::format("{}, {}", human_count(sends), bytes_each(run.bytes_sent, sends)));
  text += line("receives", fmt::format("{}, {}", human_count(receives),
                                       bytes_each(run.bytes_received, receives)));
  text += line("connections", fmt::format("{} established, {} failed", human_count(run.connects),
                                          human_count(run.connects_failed)));
  text += line("machine", fmt::format("{}, {}, Linux {}", run.machine.cpu,
                                      plural(run.machine.cpus, "CPU", "CPUs"), run.machine.kernel));
  return text + line("version", fmt::format("{}, commit {}, seed {}", run.machine.version,
                                            run.machine.commit, run.setup.seed));
}

}  // namespace

const char* latency_origin(const Setup& setup) {
  return measures_from_due_time(setup) ? "from due time" : "from send";
}

std::string statuses_text(const RunResult& run) {
  std::string text;
  for (unsigned hundreds = 1; hundreds <= 5; ++hundreds) {
    const std::uint64_t count = run.statuses.of_class(hundreds);
    if (count == 0) continue;
    text += fmt::format("{}{}xx: {}", text.empty() ? "" : ", ", hundreds, human_count(count));
  }
  std::string codes;
  run.statuses.for_each([&](std::uint16_t status, std::uint64_t count) {
    codes += fmt::format("{}{}: {}", codes.empty() ? "" : ", ", status, human_count(count));
  });
  return text.empty() ? "none" : text + " (" + codes + ")";
}

std::string describe(const Setup& setup) {
  std::vector<std::string> parts;
  switch (setup.loop) {
    case LoopKind::closed:
      parts.push_back("closed loop");
      break;
    case LoopKind::open:
      parts.push_back("open loop");
      break;
    case LoopKind::ramp:
      parts.push_back("ramp");
      break;
    case LoopKind::storm:
      parts.push_back("reconnect storm");
      break;
  }
  parts.push_back(plural(setup.connections, "connection", "connections"));
  if (setup.senders) parts.push_back(plural(*setup.senders, "sender", "senders"));
  if (setup.listeners) parts.push_back(plural(*setup.listeners, "listener", "listeners"));
  if (setup.topics) parts.push_back(plural(*setup.topics, "topic", "topics"));
  if (setup.loop == LoopKind::closed) {
    parts.push_back(human_count(setup.pipeline) + " in flight each");
  }
  if (!setup.mix.empty()) parts.push_back(setup.mix);
  if (!setup.method.empty()) parts.push_back(setup.method);
  if (setup.size_max > 0) parts.push_back(size_of(setup));
  parts.push_back(plural(setup.threads, "thread", "threads"));
  parts.push_back(length_of(setup));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string to_text(const RunResult& run, Detail detail) {
  const bool is_full = detail == Detail::full;
  const std::size_t most = is_full ? SIZE_MAX : usually_shown_max;
  std::string text = printable(run.setup.target) + "\n  " + describe(run.setup) + "\n\n";
  if (run.interrupted) text += line("interrupted", "the run is shorter than it was asked to be");
  text += rates(run) + "\n" + latencies(run) + "\n" + ramp(run.ramp);
  text += statuses(run) + reconnects(run);
  text += errors(run, most) + mismatches(run, most) + generator(run);
  if (is_full) text += "\n" + details(run);
  for (const std::string& warning : run.warnings) text += "\nwarning: " + printable(warning) + "\n";
  return text;
}

}  // namespace ringpost::loadgen
