// sim_run: runs a scenario from seeds, one process, one thread. Dies at the first thing that is
// wrong, after printing how to repeat it.
//
//   sim_run --scenario orders|chat|echo|relay|message_relay --seed N --seeds M --events K --shards
//   S
//   --lane-capacity C
//           --fault NAME=VALUE ... --quiet --trace --twice

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/sim/scenario.h"

namespace {

using ringpost::sim::ScenarioOptions;
using ringpost::sim::ScenarioResult;
using ringpost::sim::sim_fail;

struct Arguments {
  std::string_view scenario = "orders";
  std::uint64_t seeds = 1;
  bool twice = false;  // every seed, for equal hashes
  ScenarioOptions options;
};

constexpr const char* usage =
    "sim_run --scenario orders|chat|echo|relay|message_relay [--seed N] [--seeds M] [--events K] "
    "[--shards S]\n"
    "        [--lane-capacity C] [--fault NAME=VALUE]... [--quiet] [--trace] [--twice]\n";

using Run = ScenarioResult(const ScenarioOptions&);

// Null: there is none.
Run* scenario_named(std::string_view name) {
  if (name == "orders") return ringpost::sim::run_orders;
  if (name == "chat") return ringpost::sim::run_chat;
  if (name == "echo") return ringpost::sim::run_echo;
  if (name == "relay") return ringpost::sim::run_relay;
  if (name == "message_relay") return ringpost::sim::run_message_relay;
  return nullptr;
}

[[noreturn]] void refuse(const char* why) {
  std::fprintf(stderr, "sim_run: %s\n%s", why, usage);
  std::exit(2);
}

std::uint64_t number(const char* text) {
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(text, &end, 10);
  if (*text == '\0' || *end != '\0') refuse("not a number");
  return value;
}

void add_fault(ScenarioOptions& options, const char* text) {
  const char* equals = std::strchr(text, '=');
  if (equals == nullptr) refuse("--fault takes NAME=VALUE");
  options.faults.emplace_back(std::string(text, equals), number(equals + 1));
}

Arguments parse(int count, char** words) {
  Arguments arguments;
  ScenarioOptions& options = arguments.options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    const auto value = [&] {
      return i + 1 < count ? words[++i] : (refuse("a value is missing"), "");
    };
    if (word == "--scenario") {
      arguments.scenario = value();
    } else if (word == "--seed") {
      options.seed = number(value());
    } else if (word == "--seeds") {
      arguments.seeds = number(value());
    } else if (word == "--events") {
      options.events = number(value());
    } else if (word == "--shards") {
      options.shards = static_cast<std::uint32_t>(number(value()));
    } else if (word == "--lane-capacity") {
      options.lane_capacity = number(value());
    } else if (word == "--fault") {
      add_fault(options, value());
    } else if (word == "--quiet") {
      options.quiet = true;
    } else if (word == "--trace") {
      options.trace = true;
    } else if (word == "--twice") {
      arguments.twice = true;
    } else {
      refuse("an unknown option");
    }
  }
  if (scenario_named(arguments.scenario) == nullptr) refuse("no such scenario");
  return arguments;
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments = parse(count, words);
  ScenarioOptions& options = arguments.options;
  const std::uint64_t first = options.seed;
  Run* const run = scenario_named(arguments.scenario);
  std::uint64_t events = 0;
  std::uint64_t events_min = UINT64_MAX;
  std::uint64_t hash = 0;
  std::uint64_t virtual_nanos = 0;
  std::uint64_t clients = 0;
  std::uint64_t lane_messages = 0;
  ringpost::engine::Counters counters;
  for (; options.seed < first + arguments.seeds; ++options.seed) {
    const ScenarioResult result = run(options);
    // Determinism is checked on a sample in any case.
    if (arguments.twice || options.seed % 32 == 0) {
      const ScenarioResult again = run(options);
      if (again.hash != result.hash) sim_fail("seed %" PRIu64 " is two runs", options.seed);
    }
    events += result.events;
    events_min = std::min(events_min, result.events);
    hash = hash * 31 + result.hash;
    virtual_nanos += result.virtual_nanos;
    clients += result.clients;
    lane_messages += result.lane_messages;
    ringpost::sim::add(counters, result.counters);
  }
  std::printf("%.*s: seeds %" PRIu64 "..%" PRIu64 ", %" PRIu64 " events (at least %" PRIu64
              " each), %.0f virtual s, %" PRIu64 " clients, hash %016" PRIx64 "\n",
              static_cast<int>(arguments.scenario.size()), arguments.scenario.data(), first,
              options.seed - 1, events, events_min, static_cast<double>(virtual_nanos) / 1e9,
              clients, hash);
  std::printf("  %" PRIu64 " requests, %" PRIu64 " lane messages, %" PRIu64
              " lanes congested, %" PRIu64 " receives starved, %" PRIu64 " inputs stalled, %" PRIu64
              " accepts failed, %" PRIu64 " errors answered\n",
              counters.requests, lane_messages, counters.lanes_congested, counters.receive_starved,
              counters.input_stalled, counters.accept_failed, counters.protocol_errors);
  std::printf("  closed:");
  for (std::size_t i = 1; i < ringpost::engine::close_reason_count; ++i) {
    std::printf(" %s %" PRIu64,
                std::string(to_text(static_cast<ringpost::engine::CloseReason>(i))).c_str(),
                counters.closed[i]);
  }
  std::printf("\n  room spills %" PRIu64 ", turns ended early %" PRIu64 ", reply limits %" PRIu64
              ", ticker limits %" PRIu64 ", frame limits %" PRIu64 ", frame budgets %" PRIu64
              ", outputs high %" PRIu64 "\n",
              counters.limit_room_spill, counters.turn_input_ended, counters.limit_replies,
              counters.limit_tickers, counters.limit_frame_too_long, counters.limit_held_frames,
              counters.output_high);
  std::printf("  dials %" PRIu64 ", connected %" PRIu64 ", failed %" PRIu64
              ", lookups failed %" PRIu64 ", bytes sent %" PRIu64 "\n",
              counters.dials, counters.dials_connected, counters.dials_failed,
              counters.lookups_failed, counters.sent_bytes);
  return 0;
}
