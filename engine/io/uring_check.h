#pragma once

// Is there an io_uring as the engine needs it? Asked once per process, before the shards start: by
// doing what they will do, because distributions port features back and version numbers lie both
// ways. If not, the answer says in words what the host forbids and how to allow it; a bare
// "Operation not permitted" helps nobody.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/uring_failure.h"

namespace ringpost::engine {

// What the shards are going to ask for, all together.
struct UringDemand {
  std::uint32_t shards = 1;
  std::uint32_t sq_entries = 256;
  std::uint32_t cq_entries = 4096;
  std::uint32_t buffer_count = 1024;

  // Memory that the kernel charges to RLIMIT_MEMLOCK: submission slots of 64 bytes and their
  // 4-byte indexes, completion slots of 16 bytes, buffer descriptors of 16 bytes. Not the buffers.
  std::uint64_t locked_bytes() const {
    return std::uint64_t{shards} *
           (std::uint64_t{sq_entries} * 68 + std::uint64_t{cq_entries} * 16 +
            std::uint64_t{buffer_count} * 16);
  }
};

// What the explanation depends on beside the failure.
struct HostFacts {
  static constexpr std::uint64_t unlimited = UINT64_MAX;
  static constexpr int seccomp_filter = 2;

  std::string kernel_release = {};                      // uname -r
  std::optional<int> io_uring_disabled = std::nullopt;  // the sysctl; none before Linux 6.6
  int seccomp_mode = 0;                                 // the line "Seccomp:" of /proc/self/status
  std::uint64_t locked_bytes_max = unlimited;
  std::string_view setup_flag_missing = {};  // what the kernel does not know, after an EINVAL
};

// One line of cause and one of remedy. Pure.
std::string explain(const UringFailure& failure, const HostFacts& facts, const UringDemand& demand);

// Reads the facts of this host and process, except the missing flag.
HostFacts read_host_facts();

struct EngineInfo {
  std::string kernel_release;
  bool has_no_iowait = false;  // a sleeping shard counts as idle (Linux 6.15)
  std::uint64_t locked_bytes = 0;
};

// The self-test: a ring with the engine's flags, a provided buffer filled by a multishot receive, a
// cancel by user_data, a message from ring to ring. Takes well under a millisecond. Error: the text
// of `explain`.
Result<EngineInfo, std::string> check_io_uring(const UringDemand& demand);

}  // namespace ringpost::engine
