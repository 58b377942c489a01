#pragma once

// The measured window of a run: a warm-up that counts nothing, then the seconds that count. A
// scenario asks `running` once a turn of its loop; the meter notes what was done, when, and how
// long the generator itself had nothing to do. The last is what tells a run that measured the
// server from one that measured the generator. What the server spent meanwhile is for the harness
// to find out.

#include <cstdint>
#include <string>

#include "perf/client/options.h"

namespace ringpost::perf {

std::int64_t now_ns();

// How long this thread has been ready to run while another program had its CPU. A run in which that
// is more than a trace, here or at the server, measured the machine's other work.
std::int64_t read_own_waited_ns();

// Resident memory of a process in KiB, or -1.
std::int64_t read_rss_kib(int pid);

class Meter {
 public:
  explicit Meter(const Options& options);

  // Call once a turn with the running count of messages and whether the turn before found work.
  // False once the window is over.
  bool running(std::uint64_t messages, bool worked) {
    const std::int64_t now = now_ns();
    if (!worked) idle_ns_ += now - last_;
    last_ = now;
    if (now < next_) return true;
    return next_phase(messages, now);
  }

  bool measuring() const { return measuring_; }
  std::uint64_t messages() const { return end_.messages - start_.messages; }

  // The fields that every scenario reports, as the inside of a JSON object.
  std::string json() const;

 private:
  struct Mark {
    std::int64_t at = 0;
    std::uint64_t messages = 0;
    std::int64_t own_waited_ns = 0;
  };

  bool next_phase(std::uint64_t messages, std::int64_t now);

  const Options& options_;
  bool measuring_ = false;
  std::int64_t last_ = 0;
  std::int64_t next_ = 0;
  std::int64_t idle_ns_ = 0;
  Mark start_;
  Mark end_;
};

// `"name":value,` pieces of the one line of JSON that a run prints.
std::string field(const char* name, double value);
std::string field(const char* name, std::uint64_t value);
std::string field(const char* name, const std::string& value);

}  // namespace ringpost::perf
