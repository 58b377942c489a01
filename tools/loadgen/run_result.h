#pragma once

// RunResult: everything that one run of ringpost-load yields. The generator fills it; report/ turns
// it into JSON, CSV, HTML, .hgrm and text. Plain data: no invariants but those named.
//
// Times are in nanoseconds. Rates and counts are those of the measured period, which begins after
// the warm-up; the rows of `seconds` alone have the warm-up too. What is not known, or makes no
// sense in a run, is an empty optional or an empty vector and is left out of text and plots.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "tools/loadgen/histogram.h"
#include "tools/loadgen/status_counts.h"

namespace ringpost::loadgen {

// closed: a connection keeps `pipeline` requests in flight. open: requests leave by the clock.
enum class LoopKind : std::uint8_t { closed, open, ramp, storm };

// Where and by what it was measured. `read_machine` of report/machine.h fills it.
struct Machine {
  std::string version;  // of ringpost-load
  std::string commit;   // it was built from; "unknown" outside of a checkout
  std::string kernel;   // as uname -r
  std::string cpu;      // model name
  std::uint32_t cpus = 0;
};

// What was asked for, after defaults.
struct Setup {
  std::vector<std::string> arguments;  // as typed, without the program's name
  std::string target;                  // URL
  std::string protocol;                // its scheme: tcp, frames, orders, chat
  LoopKind loop = LoopKind::closed;
  std::string clock = "CLOCK_MONOTONIC";
  std::uint64_t seed = 0;
  std::uint32_t threads = 1;
  std::vector<std::uint32_t> thread_cpus;  // one per thread, if pinned
  std::uint64_t connections = 0;
  std::uint64_t pipeline = 1;
  std::uint64_t size_min = 0;  // bytes of a request; equal unless a range was given
  std::uint64_t size_max = 0;
  Nanos duration = 0;  // of the measured period; 0: until `requests` are done
  Nanos warmup = 0;
  std::optional<std::uint64_t> requests;   // -n
  std::optional<double> asked_per_s;       // -R
  std::optional<std::uint64_t> senders;    // chat, ws
  std::optional<std::uint64_t> listeners;  // chat, ws
  std::optional<std::uint64_t> topics;     // ws
  std::string mix;                         // orders
  std::string method;                      // http; of publications, ws
  bool checked = true;                     // the content of replies
};

// Whether `RunResult::latency` begins when a request was due; else when it was sent.
inline bool measures_from_due_time(const Setup& setup) { return setup.asked_per_s.has_value(); }

// One row of the CSV. Rows are consecutive and `length` apart, the last may be shorter.
struct Second {
  Nanos start = 0;  // since the first request, the warm-up included
  Nanos length = engine::nanos_per_s;
  bool warmup = false;
  std::uint64_t requests = 0;  // sent
  std::uint64_t replies = 0;   // received: for fan-out, deliveries
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t errors = 0;
  std::uint64_t mismatches = 0;
  std::uint64_t late = 0;
  std::uint64_t dropped = 0;
  std::uint64_t connections = 0;  // open at the end of the row
  // Of the replies of this row; all zero if there were none. Use `set_latency`.
  Nanos p50 = 0, p90 = 0, p95 = 0, p99 = 0, p999 = 0, max = 0;
  double cpu_share = 0;  // busy time of all threads by their elapsed time, 0..1

  void set_latency(const Histogram& histogram) {
    p50 = histogram.value_at(50);
    p90 = histogram.value_at(90);
    p95 = histogram.value_at(95);
    p99 = histogram.value_at(99);
    p999 = histogram.value_at(99.9);
    max = histogram.max();
  }
};

// One kind of failure: "refused", "reset", "timed out", "connect: no descriptors".
struct ErrorCount {
  std::string kind;
  std::uint64_t count = 0;
  std::string example;  // one of them in words: with address and errno
};

// A reply that was not the expected one. The first few are kept, all are counted.
struct Mismatch {
  std::string kind;  // wrong bytes, missing, duplicate, out of order, unexpected
  std::uint64_t connection = 0;
  std::uint64_t sequence = 0;  // of the request on its connection
  std::string detail;          // in words: offset, expected and found
};

// What a thread of the generator had to do itself.
struct ThreadUse {
  std::uint32_t cpu = 0;
  double busy_share = 0;   // user and system time by elapsed time, 0..1
  Nanos run_delay = 0;     // runnable but not running, whole period (/proc/.../schedstat)
  Nanos lag_max = 0;       // a turn that began this much later than its deadline
  std::uint64_t sent = 0;  // requests
  // What that took: sends, and buffers that the kernel filled.
  std::uint64_t sends = 0;
  std::uint64_t receives = 0;
};

// One step of --ramp.
struct RampStep {
  double asked_per_s = 0;
  double achieved_per_s = 0;
  Nanos p99 = 0;
  bool held = false;  // kept the bound and the rate
  std::string why;    // it did not, for people
};

struct RunResult {
  Machine machine;
  Setup setup;
  std::int64_t started_unix_ms = 0;  // wall clock, for people
  Nanos began = 0;                   // the measured period, by the clock of `setup` ...
  Nanos elapsed = 0;                 // ... and as long as it was
  bool interrupted = false;          // by Ctrl-C: shorter than asked

  std::uint64_t requests = 0;
  std::uint64_t replies = 0;  // for fan-out, deliveries
  // Requests within the measured period, or as much later as an answer may take; for fan-out,
  // messages that everybody has.
  std::uint64_t answered = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t late = 0;     // requests that left more than `late_bound` after their time
  Nanos late_bound = 0;       // open loop
  std::uint64_t dropped = 0;  // requests that were due and never left
  // HTTP: of what was sent in the measured period; those that are errors too.
  StatusCounts statuses;
  std::uint64_t connects = 0;  // established, reconnects too
  std::uint64_t connects_failed = 0;
  std::uint64_t mismatch_count = 0;  // all of them; `mismatches` has the first few
  std::vector<Mismatch> mismatches;
  std::vector<ErrorCount> errors;  // by kind

  // From the intended time in an open loop, from the actual send otherwise. For a closed loop
  // the send is the moment the request was handed to the kernel.
  Histogram latency;
  // Open loop: from the actual send. Beside `latency` it shows what a closed loop would not.
  std::optional<Histogram> service_time;
  // Open loop: actual send minus intended time.
  std::optional<Histogram> send_delay;
  // Connecting, with lookup; storms and many connections.
  std::optional<Histogram> connect_time;

  std::vector<Second> seconds;
  std::vector<ThreadUse> threads;
  std::vector<RampStep> ramp;
  std::optional<double> ramp_best_per_s;  // highest rate that held
  // Whole sentences for people: "the generator is the bottleneck: ...".
  std::vector<std::string> warnings;

  void add_errors(std::vector<ErrorCount> more) {
    for (ErrorCount& error : more) {
      const auto known = std::ranges::find(errors, error.kind, &ErrorCount::kind);
      if (known == errors.end()) {
        errors.push_back(std::move(error));
      } else {
        known->count += error.count;
      }
    }
  }
  std::uint64_t error_count() const {
    std::uint64_t sum = 0;
    for (const ErrorCount& error : errors) sum += error.count;
    return sum;
  }
  double seconds_elapsed() const { return double(elapsed) / double(engine::nanos_per_s); }
  // Open loop: what came of the rate that was asked for, which is the smaller of what was sent and
  // what was answered. Zero if there was no measured period.
  double reached_per_s() const { return elapsed > 0 ? reached_count() / seconds_asked() : 0; }
  // Whether that is `part` of the rate, but for the one request that an end of the period cuts off.
  // Without a measured period it is not.
  bool reached(double part) const {
    return elapsed > 0 && reached_count() + 1 >= *setup.asked_per_s * seconds_asked() * part;
  }
  // Replies, or deliveries, of the measured period. Zero if there was none.
  double rate_per_s() const { return elapsed > 0 ? double(replies) / seconds_elapsed() : 0; }

 private:
  double reached_count() const { return double(std::min(requests, answered)); }
  // A period that ended late was asked for no more.
  double seconds_asked() const {
    const Nanos asked = setup.duration > 0 ? std::min(elapsed, setup.duration) : elapsed;
    return double(asked) / double(engine::nanos_per_s);
  }
};

}  // namespace ringpost::loadgen
