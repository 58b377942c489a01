#include "tools/ringpost/options.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "tools/options/units.h"

namespace ringpost::daemon {

namespace {

using tools::show_bytes;

// Standard streams, listeners, the resolver's sockets and some air; and per shard the ring, its
// wake-up descriptor and the listeners of --reuseport.
constexpr std::uint64_t open_files_process = 32, open_files_shard = 8;

bool shares_a_cpu(const ShardOptions& shards) { return *shards.count > shards.cpus.size(); }

std::uint64_t connections_max(std::uint64_t open_files_max, std::uint64_t shards) {
  const std::uint64_t own = open_files_process + open_files_shard * shards;
  return open_files_max > own ? open_files_max - own : 1;
}

// The services that are to be started.
struct Started {
  std::string_view option;
  const ListenAddress* listen;
};

std::vector<Started> started_services(const Options& options) {
  std::vector<Started> started;
  const auto add = [&](bool enabled, std::string_view option, const ListenAddress& listen) {
    if (enabled) started.push_back({option, &listen});
  };
  add(options.orders.enabled, "--orders-listen", options.orders.listen);
  add(options.chat.enabled, "--chat-listen", options.chat.listen);
  add(options.echo.enabled, "--echo-listen", *options.echo.listen);
  add(options.tcp_echo.enabled, "--tcp-echo-listen", options.tcp_echo.listen);
  add(options.message_relay.enabled, "--relay-listen", options.message_relay.listen);
  for (const RelayRoute& route : options.relay.routes) add(true, "--relay-tcp", route.listen);
  return started;
}

void check_services(const Options& options, std::vector<std::string>& broken) {
  const std::vector<Started> started = started_services(options);
  if (started.empty())
    broken.push_back("--services: names no service, and there is no --relay-tcp");
  for (std::size_t i = 0; i < started.size(); ++i) {
    for (std::size_t j = i + 1; j < started.size(); ++j) {
      if (started[i].listen->port == 0 || *started[i].listen != *started[j].listen) continue;
      broken.push_back(std::string(started[i].option) + " and " + std::string(started[j].option) +
                       ": both are " + show_listen_address(*started[j].listen));
    }
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

void check_echo(const EchoOptions& echo, std::vector<std::string>& broken) {
  // A frame lies in blocks, the last of which may be the larger part empty.
  constexpr std::uint64_t last_block_bytes = 128 << 10, block_shares = 64;
  const std::uint64_t longest =
      echo.frame_bytes_max + echo.frame_bytes_max / block_shares + last_block_bytes;
  if (echo.held_bytes_max >= longest) return;
  broken.push_back("--echo-held-bytes-max: " + show_bytes(echo.held_bytes_max) +
                   " does not hold one frame of --echo-frame-bytes-max (" + show_bytes(longest) +
                   ")");
}

// What is gathered lies in one block, which may be half empty.
void check_message_relay(const MessageRelayOptions& relay, std::vector<std::string>& broken) {
  const auto check = [&](const char* what, const char* option, std::uint64_t bytes_max) {
    const std::uint64_t longest = 2 * bytes_max + (64 << 10);
    if (relay.held_bytes_max >= longest) return;
    broken.push_back("--relay-held-bytes-max: " + show_bytes(relay.held_bytes_max) +
                     " does not hold one " + what + " of " + option + " (" + show_bytes(longest) +
                     ")");
  };
  check("body", "--relay-body-bytes-max", relay.body_bytes_max);
  check("message", "--relay-message-bytes-max", relay.message_bytes_max);
}

}  // namespace

void resolve(Options& options, const Host& host) {
  ASSERT(!host.cpus.empty());
  ShardOptions& shards = options.shards;
  if (shards.cpus.empty()) shards.cpus = host.cpus;
  if (!shards.count) shards.count = std::min<std::uint64_t>(shards.cpus.size(), shards_max);
  if (!shards.spin) shards.spin = shares_a_cpu(shards) ? 0 : spin_default;
  if (!options.echo.listen) {
    const std::uint16_t port = options.orders.enabled ? 8081 : 8080;
    options.echo.listen = ListenAddress{.host = "127.0.0.1", .port = port};
  }
  std::optional<std::uint64_t>& count_max = options.connections.count_max;
  if (count_max) return;
  count_max = connections_max(host.open_files_max, *shards.count);
  // A relayed client takes a descriptor for its upstream, too.
  if (!options.relay.routes.empty()) count_max = std::max<std::uint64_t>(1, *count_max / 2);
}

std::vector<std::string> validate(const Options& options, const Host& host) {
  ASSERT(options.shards.count && options.shards.spin && options.connections.count_max);
  ASSERT(options.echo.listen);
  std::vector<std::string> broken;
  check_services(options, broken);
  check_cpus(options, host, broken);
  check_marks(options.connections, broken);
  check_chat(options.chat, broken);
  check_echo(options.echo, broken);
  check_message_relay(options.message_relay, broken);
  return broken;
}

}  // namespace ringpost::daemon
