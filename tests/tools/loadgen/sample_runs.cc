#include "tests/tools/loadgen/sample_runs.h"

#include <cmath>

#include "engine/base/prng.h"

namespace ringpost::loadgen {

namespace {

using engine::nanos_per_ms;
using engine::nanos_per_s;
using engine::nanos_per_us;
using engine::Prng;

// In (0, 1].
double uniform(Prng& random) { return double(random.below(1u << 30) + 1) / double(1u << 30); }

// About `typical`, with a tail that thins out slowly.
Nanos latency(Prng& random, Nanos typical) {
  return Nanos(double(typical) * (0.7 + 0.3 * std::pow(uniform(random), -0.45)));
}

RunResult base(const char* target, const char* protocol) {
  RunResult run;
  run.machine = {"0.1.0", "0123456789ab", "6.1.0-18-amd64", "Sample CPU @ 3.00 GHz", 8};
  run.setup.arguments = {target, "-c", "50", "-P", "64", "-d", "20s"};
  run.setup.target = target;
  run.setup.protocol = protocol;
  run.setup.seed = 42;
  run.setup.threads = 1;
  run.setup.thread_cpus = {2};
  run.setup.connections = 50;
  run.setup.pipeline = 64;
  run.setup.size_min = run.setup.size_max = 64;
  run.setup.duration = 20 * nanos_per_s;
  run.setup.warmup = 2 * nanos_per_s;
  run.started_unix_ms = 1'795'278'600'250;  // 2026-11-21 16:30 UTC
  run.connects = 50;
  return run;
}

// Adds a row of `replies` drawn by `draw`, of which one in `weight` is drawn and counted so often.
template <typename Draw>
void add_second(RunResult& run, std::uint64_t replies, std::uint64_t weight, Draw&& draw) {
  Second row;
  row.start = Nanos(run.seconds.size()) * nanos_per_s;
  row.warmup = row.start < run.setup.warmup;
  row.requests = row.replies = replies;
  row.bytes_sent = row.bytes_received = replies * run.setup.size_max;
  row.connections = run.setup.connections;
  row.cpu_share = 0.87;
  Histogram histogram;
  for (std::uint64_t i = 0; i < replies / weight; ++i) histogram.record(draw(), weight);
  row.set_latency(histogram);
  run.seconds.push_back(row);
  if (row.warmup) return;
  run.latency.merge(histogram);
  if (run.elapsed == 0) run.began = row.start + 4 * 3600 * nanos_per_s;
  run.elapsed += nanos_per_s;
  run.requests += replies;
  run.replies += replies;
  run.bytes_sent += row.bytes_sent;
  run.bytes_received += row.bytes_received;
}

}  // namespace

RunResult closed_run() {
  RunResult run = base("tcp://127.0.0.1:1234", "tcp");
  Prng random(1);
  for (int second = 0; second < 22; ++second) {
    const double warm = second < 2 ? 0.6 + 0.2 * second : 1;
    const auto replies = std::uint64_t(3'420'000 * warm * (0.98 + 0.04 * uniform(random)));
    add_second(run, replies, 100, [&] { return latency(random, 931 * nanos_per_us); });
  }
  run.threads = {{2, 0.87, 3 * nanos_per_ms, 41 * nanos_per_us, run.requests, 1'000, 2'000}};
  return run;
}

RunResult stalled_run() {
  RunResult run = base("frames://127.0.0.1:1235", "frames");
  run.setup.loop = LoopKind::open;
  run.setup.asked_per_s = 10'000;
  run.service_time.emplace();
  run.send_delay.emplace();
  run.late_bound = nanos_per_ms;
  Prng random(2);
  for (int second = 0; second < 22; ++second) {
    int due = 0;
    add_second(run, 10'000, 1, [&] {
      const Nanos stall = std::max<Nanos>(0, 100 * nanos_per_ms - due++ * (nanos_per_s / 10'000));
      const Nanos served = latency(random, 42 * nanos_per_us);
      if (second >= 2) {
        run.service_time->record(due == 1 ? stall + served : served);
        run.send_delay->record(latency(random, 4 * nanos_per_us));
      }
      return stall + served;
    });
  }
  run.threads = {{2, 0.06, nanos_per_ms, 112 * nanos_per_us, run.requests, 1'000, 2'000}};
  return run;
}

RunResult broken_run() {
  RunResult run = base("orders://[::1]:1237", "orders");
  run.setup.mix = "buy:15,get:1";
  run.setup.arguments.push_back("--mix=<buy>&\"get\"\xff");
  run.interrupted = true;
  Prng random(3);
  for (int second = 0; second < 7; ++second) {
    const bool down = second == 4;
    add_second(run, down ? 0 : 200'000, 10, [&] { return latency(random, 300 * nanos_per_us); });
    run.seconds.back().errors = down ? 50 : 0;
  }
  run.errors = {{"reset", 49, "connection 3 to [::1]:1237: Connection reset by peer"},
                {"refused", 1, "connect to [::1]:1237: Connection refused"}};
  run.connects_failed = 1;
  run.mismatch_count = 1'204;
  run.mismatches = {{"wrong bytes", 7, 1'000'003, "byte 12: expected 0x61, found 0x41"},
                    {"unexpected", 9, 77, "<script>alert(1)</script> & \xc3\x28"}};
  run.warnings = {"the generator is the bottleneck: its thread on CPU 2 was busy for 99.8 %"};
  return run;
}

RunResult empty_run() {
  RunResult run = base("chat://127.0.0.1:1238", "chat");
  run.elapsed = 20 * nanos_per_s;
  run.setup.checked = false;
  run.errors = {{"closed at once", 50, "connection 0 to 127.0.0.1:1238 closed without an answer"}};
  return run;
}

RunResult ramp_run() {
  RunResult run = base("tcp://127.0.0.1:1234", "tcp");
  run.setup.loop = LoopKind::ramp;
  run.setup.warmup = 0;
  Prng random(5);
  for (int step = 1; step <= 6; ++step) {
    const auto rate = std::uint64_t(200'000) << step;
    const Nanos typical = (40 + (Nanos{1} << step)) * nanos_per_us;
    add_second(run, rate, 1'000, [&] { return latency(random, typical); });
    run.ramp.push_back({double(rate), double(rate) * (step < 6 ? 0.9998 : 0.81),
                        run.seconds.back().p99, step < 6, step < 6 ? "" : "the rate"});
  }
  run.ramp_best_per_s = run.ramp[4].asked_per_s;
  return run;
}

RunResult fan_out_run() {
  RunResult run = base("chat://127.0.0.1:1238", "chat");
  run.setup.senders = 10;
  run.setup.listeners = 1'000;
  run.setup.connections = 1'010;
  run.setup.duration = 3'600 * nanos_per_s;
  Prng random(6);
  for (int second = 0; second < 3'602; ++second) {
    const bool busy = second % 600 > 550;
    add_second(run, busy ? 700'000 : 1'000'000, 10'000,
               [&] { return latency(random, (busy ? 5 : 2) * nanos_per_ms); });
  }
  return run;
}

RunResult http_run() {
  RunResult run = base("http://127.0.0.1:8000/health", "http");
  run.setup.method = "GET";
  run.setup.size_min = run.setup.size_max = 0;
  run.connects = 62;
  Prng random(7);
  for (int second = 0; second < 22; ++second) {
    add_second(run, 400'000, 100, [&] { return latency(random, 120 * nanos_per_us); });
  }
  run.statuses.add(200, run.replies);
  run.statuses.add(503, 17);
  run.errors = {{"status 503", 17, "the server answered so"}};
  return run;
}

std::vector<SampleRun> sample_runs() {
  return {{"closed", closed_run()}, {"stalled", stalled_run()}, {"broken", broken_run()},
          {"empty", empty_run()},   {"ramp", ramp_run()},       {"fan_out", fan_out_run()},
          {"http", http_run()}};
}

}  // namespace ringpost::loadgen
