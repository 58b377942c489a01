#include "tools/loadgen/options.h"

#include <algorithm>

#include "tools/loadgen/relay_talk.h"

namespace ringpost::loadgen {

namespace {
constexpr std::uint64_t connections_default = 50;
constexpr std::uint64_t open_loop_in_flight_max = 16 * 1024;
constexpr Nanos duration_default = 10 * engine::nanos_per_s;
constexpr double ramp_from_default = 1000;
constexpr Nanos ramp_step_default = 3 * engine::nanos_per_s;
constexpr Nanos warmup_default = engine::nanos_per_s;
constexpr Nanos spin_default = 50 * engine::nanos_per_us;
// Rings, events, standard streams, files: what a run needs beside its connections.
constexpr std::uint64_t files_besides = 64;
}  // namespace

void resolve(Options& options, const Host& host) {
  const bool fans_out = is_fan_out(options.target.scheme);
  if (!options.connections) {
    options.connections =
        fans_out && options.listeners ? options.senders + *options.listeners : connections_default;
  }
  if (fans_out && !options.listeners) {
    options.listeners = *options.connections - std::min(options.senders, *options.connections);
  }
  if (options.ramp && !options.rate) options.rate = ramp_from_default;
  if (options.ramp && !options.duration) options.duration = ramp_step_default;
  // Few who speak HTTP ask again before they have an answer.
  const bool asks_ahead = options.rate && options.target.scheme != Scheme::http;
  if (!options.pipeline) options.pipeline = asks_ahead ? open_loop_in_flight_max : 1;
  if (!options.warmup) options.warmup = options.requests ? 0 : warmup_default;
  if (!options.duration && !options.requests) options.duration = duration_default;
  // A server on this machine most likely began with the first ones.
  const bool are_given = !options.cpus.empty();
  for (std::size_t i = 0; !are_given && i < options.threads; ++i) {
    const std::size_t behind = i % host.cpus.size();
    options.cpus.push_back(static_cast<std::uint32_t>(host.cpus[host.cpus.size() - 1 - behind]));
  }
  // Who spins takes what another on the same CPU could use: not where nothing is left for a server.
  if (!options.spin) options.spin = options.threads < host.cpus.size() ? spin_default : 0;
}

std::vector<std::string> validate(const Options& options, const Host& host) {
  std::vector<std::string> wrong;
  if (options.cpus.size() != options.threads) {
    wrong.push_back("--cpus: names " + std::to_string(options.cpus.size()) +
                    " CPUs, but --threads is " + std::to_string(options.threads));
  }
  for (const std::uint32_t cpu : options.cpus) {
    if (!std::ranges::count(host.cpus, static_cast<int>(cpu))) {
      wrong.push_back("--cpus: this process may not run on CPU " + std::to_string(cpu));
    }
  }
  if (*options.connections < options.threads) {
    wrong.push_back("--threads: " + std::to_string(options.threads) + " threads have only " +
                    std::to_string(*options.connections) + " connections (--connections)");
  }
  const bool is_echo =
      options.target.scheme == Scheme::tcp || options.target.scheme == Scheme::frames;
  if (options.check == Check::none && !is_echo) {
    wrong.emplace_back("--check: who does not read the replies can count them of tcp and frames");
  }
  if (options.ramp && (options.strict || options.requests)) {
    wrong.emplace_back("--ramp: looks for a rate by itself, without --strict and --requests");
  }
  if (options.strict && !options.rate) {
    wrong.emplace_back("--strict: needs a rate to keep (--rate)");
  }
  const bool is_chat = options.target.scheme == Scheme::chat;
  const bool is_relay = options.target.scheme == Scheme::ws;
  const bool fans_out = is_chat || is_relay;
  if (fans_out && options.senders + options.listeners.value_or(0) != *options.connections) {
    wrong.push_back("--connections: " + std::to_string(*options.connections) + " are not " +
                    std::to_string(options.senders) + " senders and " +
                    std::to_string(options.listeners.value_or(0)) + " listeners");
  }
  if (fans_out && options.storm) {
    wrong.emplace_back("--storm: messages are counted by who is there, so nobody may leave");
  }
  if (is_relay && options.listeners.value_or(0) < options.topics) {
    wrong.push_back("--listeners: " + std::to_string(options.listeners.value_or(0)) +
                    " are too few to hear each of " + std::to_string(options.topics) +
                    " topics (--topics)");
  }
  if (is_relay && options.size.min < RelayScript::message_bytes_min) {
    wrong.push_back("--size: a message of the relay is at least " +
                    std::to_string(RelayScript::message_bytes_min) + " bytes");
  }
  if (is_chat && *options.connections < 2) {
    wrong.emplace_back("--listeners: nobody would hear the one sender");
  }
  if (is_chat && options.size.min < 2) {
    wrong.push_back("--size: a chat line is at least 2 bytes, its line end");
  }
  const bool is_http = options.target.scheme == Scheme::http;
  if (is_http && closes_each(options.http) && *options.pipeline > 1) {
    wrong.emplace_back("--pipeline: 'connection: close' lets a connection have one request");
  }
  const OutputPaths& files = options.files;
  const std::string* const paths[] = {&files.json, &files.csv, &files.html, &files.hgrm};
  for (const auto* one = std::begin(paths); one != std::end(paths); ++one) {
    const auto is_same = [&](const std::string* other) { return **one == *other; };
    if (!(*one)->empty() && std::any_of(one + 1, std::end(paths), is_same)) {
      wrong.push_back("--json, --csv, --html, --hgrm: two of them are '" + **one + "'");
    }
  }
  if (options.target.scheme == Scheme::tcp && options.size.min < 1) {
    wrong.push_back("--size: a message of the raw echo is at least 1 byte");
  }
  return wrong;
}

std::string too_few_files(const Options& options, const Host& host) {
  if (*options.connections + files_besides <= host.open_files_max) return "";
  return std::to_string(*options.connections) + " connections need more open files than the " +
         std::to_string(host.open_files_max) +
         " that this process may have; raise that (ulimit -n) or lower --connections";
}

}  // namespace ringpost::loadgen
