// What perf/compare measures and ringpost-load cannot: one thread, bare system calls, every byte
// that comes back checked. It prints one line of JSON, or ends with a message and a status that is
// not zero.

#include <cstdio>
#include <string>

#include "perf/client/options.h"
#include "perf/client/scenarios.h"
#include "perf/client/socket.h"

int main(int count, char** arguments) {
  using namespace ringpost::perf;
  struct Scenario {
    const char* name;
    std::string (*run)(const Options&);
  };
  constexpr Scenario scenarios[] = {{"get-round-trips", run_get_round_trips},
                                    {"echo-round-trips", run_echo_round_trips},
                                    {"relay-stream", run_relay_stream},
                                    {"relay-latency", run_relay_latency},
                                    {"idle", run_idle},
                                    {"floors", run_floors}};
  const Options options = parse_options(count, arguments);
  raise_open_file_limit();
  pin_to_cpu(options.cpu);
  for (const Scenario& scenario : scenarios) {
    if (options.scenario != scenario.name) continue;
    std::string fields = scenario.run(options);
    fields.back() = '}';
    std::printf("{\"scenario\":\"%s\",%s\n", scenario.name, fields.c_str());
    return 0;
  }
  die("unknown scenario " + options.scenario);
}
