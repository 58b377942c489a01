#pragma once

// Streams without an end, which one thread sends and receives at once: into the server by one
// socket, out of it by another, as much as goes through. Every byte that comes out is compared with
// what went in.

#include <cstdint>
#include <vector>

#include "perf/client/meter.h"
#include "perf/client/repeated_stream.h"

namespace ringpost::perf {

struct FlowEnds {
  int into_server;
  int out_of_server;
};

class Flows {
 public:
  static constexpr std::size_t read_bytes_max = 128 * 1024;

  // The stream has slices for a message and a read, and outlives this. A write is a message, or the
  // rest of one that the kernel did not take whole.
  Flows(const RepeatedStream& stream, const std::vector<FlowEnds>& ends);

  // Returns when every message that was begun has come out, which may take ten seconds more than
  // the measured window.
  void run(Meter& meter);

 private:
  struct Flow {
    FlowEnds ends;
    std::uint64_t start;         // Where it begins in the stream.
    std::uint64_t sent = 0;      // Bytes.
    std::uint64_t came_out = 0;  // Messages.
  };

  bool turn();
  bool push(Flow& flow);
  bool pull(std::size_t index);
  std::size_t bytes_to_send(const Flow& flow) const;
  bool is_settled() const;

  const RepeatedStream& stream_;
  StreamChecker checker_;
  std::vector<Flow> flows_;
  std::vector<char> buffer_;
  std::uint64_t came_out_ = 0;  // Messages, of all flows.
  bool beginning_ = true;       // New messages; else only the rest of those under way.
};

}  // namespace ringpost::perf
