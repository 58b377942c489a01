#pragma once

// Options: everything that can be told to the daemon, as plain structs with their defaults. How
// each is called, bounded and explained is the business of option_table.h; where the words come
// from (today the command line) that of command_line.h.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/endpoint.h"
#include "tools/options/limits.h"
#include "tools/ringpost/listen_address.h"

namespace ringpost::daemon {

using tools::Host;

enum class OrderBookReply : std::uint8_t { spaced, compact };  // `T: 8;` or `T:8;`
enum class ChatLineEnd : std::uint8_t { crlf, any };  // CR LF alone, or LF with or without CR
enum class RelayCompression : std::uint8_t { off, deflate };
enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };
enum class LogFormat : std::uint8_t { text, json };

struct ShardOptions {
  // The optional ones default to what suits the machine: see `resolve`.
  std::optional<std::uint64_t> count;
  std::vector<int> cpus;  // shard i runs on cpus[i % cpus.size()]
  std::optional<engine::Nanos> spin;
  std::uint64_t lane_capacity = 4096;  // messages from one shard to one other
  std::uint64_t receive_buffers = 256;
  std::uint64_t receive_buffer_bytes = 64 << 10;
};

struct ConnectionOptions {
  bool reuseport = false;
  std::optional<std::uint64_t> count_max;
  std::uint64_t output_high_bytes = 256 << 10;             // X6: at or above it, requests wait
  std::uint64_t output_low_bytes = 64 << 10;               // below it, they go on
  engine::Nanos linger_timeout = 5 * engine::nanos_per_s;  // X4: after an error that closes
  std::uint64_t linger_bytes_max = 1 << 20;
  engine::Nanos drain_timeout = 10 * engine::nanos_per_s;
  // Of accepted and outgoing sockets; 0: as the kernel is set.
  engine::Nanos keepalive_time = 10 * engine::nanos_per_s;
  engine::Nanos keepalive_interval = 5 * engine::nanos_per_s;
  std::uint64_t keepalive_count = 9;
  engine::Nanos user_timeout = 54 * engine::nanos_per_s;
  std::uint64_t socket_receive_bytes = 0;
  std::uint64_t socket_send_bytes = 0;
};

struct OrdersOptions {
  bool enabled = true;
  ListenAddress listen = {.host = "127.0.0.1", .port = 8080};
  float cap = 20;
  OrderBookReply reply = OrderBookReply::spaced;
  bool ack = false;
  std::uint64_t line_bytes_max = 4 << 10;
  std::uint64_t tickers_max = 65'536;
  std::uint64_t replies_max = 1'024;
};

struct ChatOptions {
  bool enabled = true;
  ListenAddress listen = {.host = "127.0.0.1", .port = 6142};
  ChatLineEnd line_end = ChatLineEnd::crlf;
  std::uint64_t line_bytes_max = 64 << 10;
  std::uint64_t nick_bytes_max = 64;
  engine::Nanos nick_timeout = 30 * engine::nanos_per_s;
  std::uint64_t pending_bytes_max = 1 << 20;
  std::uint64_t waiting_runs_max = 1'024;
};

struct EchoOptions {
  bool enabled = true;
  // By default the tutorials' port where the order book does not take it: see `resolve`.
  std::optional<ListenAddress> listen;
  std::uint64_t frame_bytes_max = 8 << 20;  // of the payload
  std::uint64_t held_bytes_max = 256 << 20;
};

struct TcpEchoOptions {
  bool enabled = true;
  // The one service that listens everywhere by default (C8 of the services' specification).
  ListenAddress listen = {.host = "0.0.0.0", .port = 1234};
};

// One --relay-tcp: the bytes of whoever connects to `listen` go to `upstream` and back.
struct RelayRoute {
  ListenAddress listen;
  engine::Endpoint upstream;  // a name stays text, and is looked up for each attempt to connect
};

struct RelayOptions {
  std::vector<RelayRoute> routes;
  std::uint64_t block_bytes_max = 128 << 10;
  engine::Nanos connect_timeout = 5 * engine::nanos_per_s;  // of one address
  engine::Nanos wait_max = 10 * engine::nanos_per_s;        // of a client, for its upstream
};

// The relay of messages, over HTTP and WebSocket.
struct MessageRelayOptions {
  bool enabled = true;
  ListenAddress listen = {.host = "127.0.0.1", .port = 8000};
  // What clients are told to connect to; none: ws:// and the address.
  std::optional<std::string> public_url;
  std::uint64_t head_bytes_max = 16 << 10;
  std::uint64_t body_bytes_max = 2 << 20;
  std::uint64_t held_bytes_max = 256 << 20;
  std::uint64_t replies_max = 256;
  engine::Nanos head_timeout = 10 * engine::nanos_per_s;
  engine::Nanos body_timeout = 60 * engine::nanos_per_s;
  engine::Nanos idle_timeout = 75 * engine::nanos_per_s;
  std::uint64_t frame_bytes_max = 16 << 20;
  std::uint64_t message_bytes_max = 64 << 20;
  RelayCompression compression = RelayCompression::off;
  std::uint64_t compression_level = 6;
  std::uint64_t compressed_bytes_min = 32;  // of an event
  std::uint64_t compressed_bytes_max = 1 << 20;
  std::uint64_t pending_bytes_max = 1 << 20;
  std::uint64_t topics_max = 256;
  std::uint64_t topic_bytes_max = 1 << 10;
  engine::Nanos ping_interval = 30 * engine::nanos_per_s;
  std::uint64_t registrations_max = 100'000;
  engine::Nanos unused_timeout = 300 * engine::nanos_per_s;
};

struct DnsOptions {
  std::string servers;  // "127.0.0.1:53,[::1]:53"; empty: the machine's own
  engine::Nanos timeout = 2 * engine::nanos_per_s;
  std::uint64_t tries = 2;
};

struct LogOptions {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
};

struct Options {
  ShardOptions shards;
  ConnectionOptions connections;
  OrdersOptions orders;
  ChatOptions chat;
  EchoOptions echo;
  TcpEchoOptions tcp_echo;
  RelayOptions relay;
  MessageRelayOptions message_relay;
  DnsOptions dns;
  LogOptions log;
};

// Fills what was left to the machine:
//   cpus       every CPU in the affinity mask
//   count      one shard per CPU of `cpus`, at most shards_max
//   spin       50 us while each shard has a CPU of its own, else 0: a shard that spins on a shared
//              CPU keeps the other one from the work it waits for
//   echo.listen  port 8081 beside the order book, else 8080, of the loopback interface
//   count_max  the open-file limit less what the process itself needs, at least 1
// Ensures: every optional has a value, and cpus is not empty. Requires: host.cpus is not empty.
void resolve(Options& options, const Host& host);

inline constexpr std::uint64_t shards_max = 64;
inline constexpr engine::Nanos spin_default = 50 * engine::nanos_per_us;

// What no single option can know: the rules between two of them, and between them and the machine.
// One sentence per broken rule, each naming its options; none means that all is well. The bounds of
// single options have been checked when they were set. Requires: resolved.
std::vector<std::string> validate(const Options& options, const Host& host);

}  // namespace ringpost::daemon
