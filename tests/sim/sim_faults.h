#pragma once

// SimFaults: how bad the simulated world is. Every run switches a random subset of the faults on,
// at random rates (swarm testing: what is always on hides what needs it off), and prints them in
// one line. All are numbers, so that a run can be repeated with one of them changed by name.

#include <cstdint>
#include <string>
#include <string_view>

namespace ringpost::sim {

// `x_one_in` n: once in n chances on average; 0: never.
struct SimFaults {
  // The network.
  std::uint64_t cut_bytes_max = 65536;         // segments are cut at 1 .. this
  std::uint64_t latency_us_max = 100;          // of one segment
  std::uint64_t stall_one_in = 0;              // segments, whose direction then stalls
  std::uint64_t stall_ms_max = 0;              // for that long
  std::uint64_t send_buffer_bytes = 65536;     // of a socket
  std::uint64_t receive_buffer_bytes = 65536;  // of a socket
  std::uint64_t break_one_in = 0;              // segments, with which the connection is reset
  std::uint64_t reset_overtakes_one_in = 2;    // resets, which lose what was under way before them
  std::uint64_t backlog = 64;                  // of a listener

  // The ring.
  std::uint64_t buffer_count = 64;             // of the receive pool of each shard
  std::uint64_t buffer_bytes = 4096;           // of each
  std::uint64_t receive_bytes_max = 65536;     // one receive fills 1 .. this of its buffer
  std::uint64_t multishot_end_one_in = 0;      // completions, which end their multishot
  std::uint64_t end_buffer_one_in = 0;         // ends of stream, which come with an empty buffer
  std::uint64_t hold_one_in = 0;               // operations that could go on, and do not this turn
  std::uint64_t send_chunk_bytes_max = 65536;  // the kernel reads 1 .. this at a time
  std::uint64_t send_late_one_in = 0;          // finished sends, completed in a later turn
  std::uint64_t cancel_late_one_in = 0;        // cancelled operations that go on for a while
  std::uint64_t accept_error_one_in = 0;       // accepts: EMFILE, ENFILE, ENOBUFS, ENOMEM
  std::uint64_t accept_abort_one_in = 0;       // accepts: ECONNABORTED
  std::uint64_t fd_limit = 0;                  // open descriptors of the process; 0: no limit
  std::uint64_t cq_entries = 4096;             // unread completions; above it, multishots end
  std::uint64_t reap_max = 4096;               // completions that the kernel makes in one turn

  // The machine.
  std::uint64_t empty_turn_one_in = 0;     // turns that return nothing although they could
  std::uint64_t wake_delay_us_max = 5;     // of a wake
  std::uint64_t spurious_wake_one_in = 0;  // steps, in which a sleeper wakes for no reason
  std::uint64_t turn_us_max = 20;          // that a shard's turn takes
  std::uint64_t shard_stall_one_in = 0;    // turns, after which the shard does not run
  std::uint64_t shard_stall_ms_max = 0;    // for that long
  std::uint64_t slow_shard = 0;            // 1 + index of one that gets less of the machine
  std::uint64_t event_weight = 2;          // of the network against the shards, when both could run

  // A random subset at random rates.
  static SimFaults draw(std::uint64_t seed, std::uint64_t shard_count);

  // Nothing fails or stalls any more; what each Io was built with stays.
  void heal();

  // "name=value ...", only of what differs from a quiet world.
  std::string to_text() const;
  // Sets one by name; false if there is none.
  bool set(std::string_view name, std::uint64_t value);
};

}  // namespace ringpost::sim
