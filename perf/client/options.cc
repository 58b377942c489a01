#include "perf/client/options.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace ringpost::perf {
namespace {

constexpr const char* usage =
    "usage: ringpost-perf-client SCENARIO --port N [--name value ...]\n"
    "scenarios: get-round-trips, echo-round-trips, relay-stream, relay-latency, idle, floors\n"
    "  --connections N  connections (1)\n"
    "  --bytes N        of a message of the echo and relay scenarios (64)\n"
    "  --upstream FD    a listening socket for what the relay under test connects to\n"
    "  --seconds S      measured time (2)      --warmup S   time before it (0.3)\n"
    "  --cpu N          pin this program       --server-cpu N   the other side of the floors\n"
    "  --server-pid N   whose memory to read\n";

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "%s\n%s", message.c_str(), usage);
  std::exit(2);
}

double number(std::string_view name, const std::string& text, double low, double high) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= low && value <= high)) {
    fail("bad value '" + text + "' for " + std::string(name));
  }
  return value;
}

int whole(std::string_view name, const std::string& text, int low, int high) {
  return static_cast<int>(number(name, text, low, high));
}

void set(Options& options, std::string_view name, const std::string& text) {
  if (name == "--port") {
    options.port = static_cast<std::uint16_t>(whole(name, text, 1, 65535));
  } else if (name == "--connections") {
    options.connections = whole(name, text, 1, 20'000);
  } else if (name == "--bytes") {
    options.bytes = whole(name, text, 4, 4096);
  } else if (name == "--upstream") {
    options.upstream = whole(name, text, 0, 1 << 20);
  } else if (name == "--warmup") {
    options.warmup_s = number(name, text, 0, 600);
  } else if (name == "--seconds") {
    options.seconds = number(name, text, 0.01, 600);
  } else if (name == "--cpu") {
    options.cpu = whole(name, text, 0, 4095);
  } else if (name == "--server-cpu") {
    options.server_cpu = whole(name, text, 0, 4095);
  } else if (name == "--server-pid") {
    options.server_pid = whole(name, text, 1, 1 << 30);
  } else {
    fail("unknown option " + std::string(name));
  }
}

}  // namespace

Options parse_options(int count, char** arguments) {
  Options options;
  if (count < 2) fail("no scenario");
  options.scenario = arguments[1];
  for (int i = 2; i < count; i += 2) {
    if (i + 1 == count) fail(std::string("no value for ") + arguments[i]);
    set(options, arguments[i], arguments[i + 1]);
  }
  return options;
}

}  // namespace ringpost::perf
