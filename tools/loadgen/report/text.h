#pragma once

#include <cstdint>
#include <string>

#include "tools/loadgen/run_result.h"

namespace ringpost::loadgen {

enum class Detail : std::uint8_t {
  usual,  // of errors and mismatches the first few
  full,   // all that are known; each thread of the generator, the connections, the machine
};

// A run for people: what was done, the rate, the latencies, what went wrong. A few lines of at most
// 100 columns but for names, examples and warnings; no colours.
std::string to_text(const RunResult& run, Detail detail = Detail::usual);

// What was done, in one line: "closed loop, 50 connections, 64 in flight each, 64 B, ...".
std::string describe(const Setup& setup);

// HTTP: replies by class and code, "2xx: 1,234, 4xx: 5 (200: 1,234, 404: 5)".
std::string statuses_text(const RunResult& run);

// What the latencies of a run begin with: "from send" or "from due time".
const char* latency_origin(const Setup& setup);

}  // namespace ringpost::loadgen
