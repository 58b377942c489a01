#pragma once

// What one run of the client is told on its command line: `client SCENARIO --name value ...`.

#include <cstdint>
#include <string>

namespace ringpost::perf {

struct Options {
  std::string scenario;
  std::uint16_t port = 0;
  int connections = 1;        // Request connections, or listeners of the chat.
  int depth = 1;              // Requests (batches, lines) in flight, per connection or per sender.
  int bytes = 64;             // Of a message of the echo and relay scenarios.
  double warmup_s = 0.3;      // Not counted.
  double seconds = 2.0;       // Counted.
  bool spin = true;           // Poll without sleeping; false sleeps in epoll_wait or recv.
  bool refill_whole = false;  // Write again only when every request in flight is answered.
  int cpu = -1;               // Where this program runs; -1 leaves it to the kernel.
  int server_cpu = -1;        // Whose busy time is read; -1 reads none.
  int upstream = -1;          // The listening socket of the relay scenarios, inherited.
  int server_pid = 0;         // Whose CPU time and memory are read; 0 reads none.
};

// Fills in what the arguments say. On a mistake it prints one line and the usage, and exits.
Options parse_options(int count, char** arguments);

}  // namespace ringpost::perf
