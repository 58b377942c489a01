#pragma once

// What one run of the client is told on its command line: `client SCENARIO --name value ...`.

#include <cstdint>
#include <string>

namespace ringpost::perf {

struct Options {
  std::string scenario;
  std::uint16_t port = 0;
  int connections = 1;
  int bytes = 64;         // Of a message of the echo and the relay.
  double warmup_s = 0.3;  // Not counted.
  double seconds = 2.0;   // Counted.
  int cpu = -1;           // Where this program runs; -1 leaves it to the kernel.
  int server_cpu = -1;    // Where a server would run: the other side of a floor.
  int upstream = -1;      // The listening socket of the relay scenarios, inherited.
  int server_pid = 0;     // Whose memory is read; 0 reads none.
};

// Fills in what the arguments say. On a mistake it prints one line and the usage, and exits.
Options parse_options(int count, char** arguments);

}  // namespace ringpost::perf
