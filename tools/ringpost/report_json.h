#pragma once

// The counters of all shards, and of the resolver that they share, as one JSON line: what SIGUSR1
// prints, and the end of the process. Names are those of the structs that hold the numbers.

#include <span>
#include <string>

#include "engine/shard/shard_group.h"

namespace ringpost::daemon {

// One line, ended by LF.
std::string report_json(std::span<const engine::FullReport> shards,
                        const engine::ResolverCounters& resolver);

}  // namespace ringpost::daemon
