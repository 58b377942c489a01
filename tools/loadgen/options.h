#pragma once

// What may be said on the command line, with its defaults.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "tools/loadgen/script.h"
#include "tools/loadgen/target.h"
#include "tools/ringpost/limits.h"

namespace ringpost::loadgen {

using daemon::Host;
using engine::Nanos;

struct Options {
  Target target;
  // The load.
  std::uint64_t connections = 50;
  std::uint64_t pipeline = 1;
  SizeRange size;
  std::optional<Nanos> duration;  // default: 10 s, or until `requests` are done
  std::optional<std::uint64_t> requests;
  std::optional<Nanos> warmup;  // default: 1 s, or none where `requests` are counted
  std::uint64_t seed = 1;
  // The machine.
  std::uint64_t threads = 1;
  std::vector<std::uint32_t> cpus;  // default: the last ones that this process may use
  std::optional<Nanos> spin;
  // Patience.
  Nanos connect_timeout = 5 * engine::nanos_per_s;
  Nanos reply_timeout = 10 * engine::nanos_per_s;
  // Words.
  bool quiet = false;
  bool verbose = false;
};

// Puts in what is left to the machine, and to what else was said.
void resolve(Options& options, const Host& host);
// What is wrong with options that are each right for themselves; empty: nothing.
std::vector<std::string> validate(const Options& options, const Host& host);

}  // namespace ringpost::loadgen
