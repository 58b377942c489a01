#include "tools/ringpost/options.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "tools/ringpost/units.h"

namespace ringpost::daemon {

namespace {

// Standard streams, listeners, the resolver's sockets and some air; and per shard the ring, its
// wake-up descriptor and the listeners of --reuseport.
constexpr std::uint64_t open_files_process = 32, open_files_shard = 8;

bool shares_a_cpu(const ShardOptions& shards) { return *shards.count > shards.cpus.size(); }

std::uint64_t connections_max(std::uint64_t open_files_max, std::uint64_t shards) {
  const std::uint64_t own = open_files_process + open_files_shard * shards;
  return open_files_max > own ? open_files_max - own : 1;
}

void check_services(const Options& options, std::vector<std::string>& broken) {
  if (!options.orders.enabled && !options.chat.enabled) {
    broken.push_back("--services: names no service");
  }
  const bool both = options.orders.enabled && options.chat.enabled;
  if (both && options.orders.listen.port != 0 && options.orders.listen == options.chat.listen) {
    broken.push_back("--orders-listen and --chat-listen: both are " +
                     show_listen_address(options.chat.listen));
  }
}

void check_cpus(const Options& options, const Host& host, std::vector<std::string>& broken) {
  for (const int cpu : options.shards.cpus) {
    if (std::ranges::find(host.cpus, cpu) != host.cpus.end()) continue;
    broken.push_back("--cpus: this process may not run on CPU " + std::to_string(cpu));
  }
}

void check_marks(const ConnectionOptions& connections, std::vector<std::string>& broken) {
  if (connections.output_low_bytes < connections.output_high_bytes) return;
  broken.push_back("--output-low-bytes: " + show_bytes(connections.output_low_bytes) +
                   " is not below --output-high-bytes " +
                   show_bytes(connections.output_high_bytes));
}

void check_chat(const ChatOptions& chat, std::vector<std::string>& broken) {
  // "nick: line\r\n". With a lower limit the longest line would cost every reader its connection.
  const std::uint64_t longest = chat.nick_bytes_max + 2 + chat.line_bytes_max + 2;
  if (chat.pending_bytes_max >= longest) return;
  broken.push_back("--chat-pending-bytes-max: " + show_bytes(chat.pending_bytes_max) +
                   " does not hold one line of --chat-line-bytes-max and its nick (" +
                   show_bytes(longest) + ")");
}

}  // namespace

void resolve(Options& options, const Host& host) {
  ASSERT(!host.cpus.empty());
  ShardOptions& shards = options.shards;
  if (shards.cpus.empty()) shards.cpus = host.cpus;
  if (!shards.count) shards.count = std::min<std::uint64_t>(shards.cpus.size(), shards_max);
  if (!shards.spin) shards.spin = shares_a_cpu(shards) ? 0 : spin_default;
  std::optional<std::uint64_t>& count_max = options.connections.count_max;
  if (!count_max) count_max = connections_max(host.open_files_max, *shards.count);
}

std::vector<std::string> validate(const Options& options, const Host& host) {
  ASSERT(options.shards.count && options.shards.spin && options.connections.count_max);
  std::vector<std::string> broken;
  check_services(options, broken);
  check_cpus(options, host, broken);
  check_marks(options.connections, broken);
  check_chat(options.chat, broken);
  return broken;
}

}  // namespace ringpost::daemon
