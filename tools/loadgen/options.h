#pragma once

// What may be said on the command line, with its defaults.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "tools/loadgen/echo_talk.h"
#include "tools/loadgen/http_request.h"
#include "tools/loadgen/orders_talk.h"
#include "tools/loadgen/report/outputs.h"
#include "tools/loadgen/script.h"
#include "tools/loadgen/target.h"
#include "tools/options/limits.h"

namespace ringpost::loadgen {

using engine::Nanos;
using tools::Host;

struct Options {
  Target target;
  // The load.
  std::optional<std::uint64_t> connections;  // default: 50, or what --listeners comes to
  std::optional<std::uint64_t> pipeline;     // default: 1; in an open loop 16 Ki, but of http
  std::optional<double> rate;                // open loop: requests per second
  bool strict = false;
  std::optional<Nanos> ramp;  // find the highest rate that keeps p99 under it
  SizeRange size;
  Check check = Check::full;
  std::optional<Nanos> duration;  // default: 10 s, or until `requests` are done
  std::optional<std::uint64_t> requests;
  std::optional<Nanos> warmup;  // default: 1 s, or none where `requests` are counted
  std::uint64_t seed = 1;
  std::optional<Nanos> storm;  // everybody leaves and comes back within it
  // Chat, relay and orders.
  std::uint64_t senders = 1;
  std::uint64_t topics = 1;                // relay
  std::optional<std::uint64_t> listeners;  // default: the connections that do not send
  OrderMix mix;
  bool own_buys = false;  // a reply must have them
  HttpOptions http;
  // The machine.
  std::uint64_t threads = 1;
  std::vector<std::uint32_t> cpus;  // default: the last ones that this process may use
  std::optional<Nanos> spin;
  std::vector<engine::SocketAddress> sources;  // to connect from, in turns
  // Patience.
  Nanos connect_timeout = 5 * engine::nanos_per_s;
  Nanos reply_timeout = 10 * engine::nanos_per_s;
  // Words.
  OutputPaths files;
  bool quiet = false;
  bool verbose = false;
};

// Whether messages go from few to many: chat and relay.
inline bool is_fan_out(Scheme scheme) { return scheme == Scheme::chat || scheme == Scheme::ws; }

// Puts in what is left to the machine, and to what else was said.
void resolve(Options& options, const Host& host);
// What is wrong with options that are each right for themselves; empty: nothing.
std::vector<std::string> validate(const Options& options, const Host& host);

// Why the descriptors of this process do not suffice for the connections; empty: they do.
std::string too_few_files(const Options& options, const Host& host);

}  // namespace ringpost::loadgen
