#include "tools/ringpost/wiring.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "engine/io/socket.h"
#include "engine/net/session_pool.h"
#include "protocols/chat/branch.h"
#include "protocols/chat/room.h"
#include "protocols/chat/session.h"
#include "protocols/echo/session.h"
#include "protocols/orders/order_book.h"
#include "protocols/orders/session.h"
#include "protocols/relay/branch.h"
#include "protocols/relay/exchange.h"
#include "protocols/relay/registry.h"
#include "protocols/relay/server.h"
#include "protocols/tcp/echo_session.h"
#include "protocols/tcp/relay.h"

namespace ringpost::daemon {

using engine::ActorRef;
using engine::Shard;

namespace {

// Where the actors of the services stand; the same slot on every shard that has one.
enum ActorSlot : std::uint32_t {
  slot_order_book = Shard::slot_actor_first,
  slot_room,
  slot_branch,
  slot_registry,
  slot_exchange,
  slot_relay_branch,
};

// The book lives with the acceptor; the room on the last shard, so that two shards share the load
// of both.
constexpr std::uint32_t book_shard = 0;
std::uint32_t room_shard(std::uint32_t shard_count) { return shard_count - 1; }

std::string relay_name(const RelayRoute& route) {
  return "relay " + show_listen_address(route.listen) + "=" + engine::to_text(route.upstream);
}

// Whole seconds, as the kernel counts: no shorter than asked for.
std::uint32_t whole_seconds(engine::Nanos nanos) {
  return static_cast<std::uint32_t>((nanos + engine::nanos_per_s - 1) / engine::nanos_per_s);
}

// What a turn may add to the log of a shard: a quarter of what a member may lag behind, and much
// less than one send carries to him. Otherwise members of a shard that is kept busy by senders fall
// behind a little in every turn, and the more lag they are allowed, the more.
std::uint64_t turn_bytes_max(std::uint64_t pending_bytes_max) {
  constexpr std::uint64_t kibi = 1024;
  return std::min<std::uint64_t>(pending_bytes_max / 4, 128 * kibi);
}

}  // namespace

Wiring::Wiring(const Options& options, Log& log)
    : options_(options),
      log_(log),
      connection_logs_(*options.shards.count),
      ids_(*options.shards.count) {}

Wiring::~Wiring() {
  for (const ListeningService& service : services_) {
    for (const engine::Fd socket : service.sockets) {
      if (socket != engine::no_fd) ::close(socket);
    }
  }
}

engine::Result<bool, std::string> Wiring::bind() {
  const struct {
    bool enabled;
    std::string_view name;
    const ListenAddress& address;
  } wanted[] = {
      {options_.orders.enabled, "orders", options_.orders.listen},
      {options_.chat.enabled, "chat", options_.chat.listen},
      {options_.echo.enabled, "echo", *options_.echo.listen},
      {options_.tcp_echo.enabled, "tcp-echo", options_.tcp_echo.listen},
      {options_.message_relay.enabled, "relay", options_.message_relay.listen},
  };
  for (const auto& service : wanted) {
    if (!service.enabled) continue;
    auto bound = bind_service(service.name, service.address);
    if (!bound) return bound;
  }
  for (const RelayRoute& route : options_.relay.routes) {
    auto bound = bind_service(relay_name(route), route.listen);
    if (!bound) return bound;
  }
  return true;
}

engine::Result<bool, std::string> Wiring::bind_service(std::string_view name,
                                                       const ListenAddress& address) {
  const std::string wanted = show_listen_address(address);
  const auto failed = [&](const std::error_code& error) {
    return engine::Unexpected{"cannot listen on " + wanted + " (" + std::string(name) +
                              "): " + error.message()};
  };
  auto target = engine::parse_address(wanted);
  if (!target) return failed(target.error());

  ListeningService& service = services_.emplace_back();
  service.name = name;
  engine::ListenOptions listen_options;
  listen_options.tcp = tcp_options();
  if (options_.connections.reuseport) listen_options.sharing = engine::PortSharing::first;
  const std::uint32_t count = options_.connections.reuseport ? shard_count() : 1;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto socket = engine::listen_on(*target, listen_options);
    if (!socket) return failed(socket.error());
    service.sockets.push_back(*socket);
    // The first may have been given a port by the kernel; the others share it.
    auto bound = engine::local_address(*socket);
    if (!bound) return failed(bound.error());
    target = *bound;
    listen_options.sharing = engine::PortSharing::more;
  }
  service.address = engine::to_text(*target);
  return true;
}

engine::TcpOptions Wiring::tcp_options() const {
  const ConnectionOptions& options = options_.connections;
  engine::TcpOptions tcp;
  tcp.keepalive_time_s = whole_seconds(options.keepalive_time);
  tcp.keepalive_interval_s = whole_seconds(options.keepalive_interval);
  tcp.keepalive_count = static_cast<std::uint32_t>(options.keepalive_count);
  tcp.user_timeout_ms = static_cast<std::uint32_t>(options.user_timeout / engine::nanos_per_ms);
  tcp.receive_buffer_bytes = static_cast<std::uint32_t>(options.socket_receive_bytes);
  tcp.send_buffer_bytes = static_cast<std::uint32_t>(options.socket_send_bytes);
  return tcp;
}

engine::ShardGroupOptions Wiring::group_options() const {
  engine::ShardGroupOptions group;
  for (std::uint32_t i = 0; i < shard_count(); ++i) {
    const auto& cpus = options_.shards.cpus;
    group.cpus.push_back(static_cast<std::uint32_t>(cpus[i % cpus.size()]));
  }
  group.lane_capacity = options_.shards.lane_capacity;
  group.buffer_count = static_cast<std::uint32_t>(options_.shards.receive_buffers);
  group.buffer_bytes = static_cast<std::uint32_t>(options_.shards.receive_buffer_bytes);
  const ConnectionOptions& connections = options_.connections;
  group.shard.spin_nanos = *options_.shards.spin;
  group.shard.drain_nanos = connections.drain_timeout;
  group.shard.seed = random_seed();
  if (!options_.relay.routes.empty()) {
    engine::CaresResolverOptions resolver;
    resolver.lookup.servers = options_.dns.servers;
    resolver.lookup.timeout = options_.dns.timeout;
    resolver.lookup.tries = static_cast<std::uint32_t>(options_.dns.tries);
    group.resolver = resolver;
  }
  group.shard.balance = !connections.reuseport;
  group.shard.connections_max = *connections.count_max;
  if (connections.reuseport) {
    group.shard.connections_max =
        std::max<std::uint64_t>(1, group.shard.connections_max / shard_count());
  }
  group.shard.connections.output_high_bytes = connections.output_high_bytes;
  group.shard.connections.output_low_bytes = connections.output_low_bytes;
  group.shard.connections.linger_nanos = connections.linger_timeout;
  group.shard.connections.linger_bytes_max =
      static_cast<std::uint32_t>(connections.linger_bytes_max);
  return group;
}

void Wiring::wire(Shard& shard) {
  const std::uint32_t self = shard.post().shard();
  connection_logs_[self] = std::make_unique<ConnectionLog>(log_, self, shard.now());
  shard.set_observer(connection_logs_[self].get());
  if (options_.orders.enabled) wire_orders(shard);
  if (options_.chat.enabled) wire_chat(shard);
  if (options_.echo.enabled) wire_echo(shard);
  if (options_.tcp_echo.enabled) wire_tcp_echo(shard);
  if (options_.message_relay.enabled) wire_message_relay(shard);
  wire_relays(shard);
}

void Wiring::wire_orders(Shard& shard) {
  const OrdersOptions& options = options_.orders;
  if (shard.post().shard() == book_shard) {
    orders::HoldingsOptions holdings;
    holdings.cap = options.cap;
    holdings.tickers_max = options.tickers_max;
    holdings.style = options.reply == OrderBookReply::compact ? orders::ReplyStyle::compact
                                                              : orders::ReplyStyle::spaced;
    holdings.seed = random_seed();
    shard.spawn_at(slot_order_book,
                   std::make_unique<orders::OrderBook>(holdings, shard.post(), shard.payloads()));
  }
  orders::SessionShared shared;
  shared.options.book = ActorRef::actor(book_shard, slot_order_book, 1);
  shared.options.line_bytes_max = options.line_bytes_max;
  shared.options.replies_max = static_cast<std::uint32_t>(options.replies_max);
  shared.options.acknowledge = options.ack;
  using Pool = engine::SessionPool<orders::Session, orders::SessionShared>;
  listen(shard, "orders", std::make_unique<Pool>(shared));
}

void Wiring::wire_chat(Shard& shard) {
  const ChatOptions& options = options_.chat;
  const std::uint32_t self = shard.post().shard();
  const std::uint32_t home = room_shard(shard_count());
  const ActorRef room = ActorRef::actor(home, slot_room, 1);
  if (self == home) {
    std::vector<ActorRef> branches;
    for (std::uint32_t i = 0; i < shard_count(); ++i) {
      branches.push_back(ActorRef::actor(i, slot_branch, 1));
    }
    const chat::Room::Parts parts{shard.post(), shard.timers(), shard.counters(), shard.now()};
    shard.spawn_at(slot_room,
                   std::make_unique<chat::Room>(parts, branches, options.waiting_runs_max));
  }
  auto branch =
      std::make_unique<chat::Branch>(ActorRef::actor(self, slot_branch, 1), room, shard.post(),
                                     shard.fan_out(), turn_bytes_max(options.pending_bytes_max));
  chat::SessionShared shared{.options = {}, .branch = *branch};
  shared.options.line_end =
      options.line_end == ChatLineEnd::any ? line::LineEnd::any : line::LineEnd::crlf;
  shared.options.line_bytes_max = options.line_bytes_max;
  shared.options.nick_bytes_limit = options.nick_bytes_max;
  shared.options.nick_timeout = options.nick_timeout;
  shared.options.pending_bytes_max = options.pending_bytes_max;
  shard.spawn_at(slot_branch, std::move(branch));
  using Pool = engine::SessionPool<chat::Session, chat::SessionShared>;
  listen(shard, "chat", std::make_unique<Pool>(shared));
}

void Wiring::wire_echo(Shard& shard) {
  echo::SessionOptions options;
  options.framing.payload_bytes_max = options_.echo.frame_bytes_max;
  options.held_bytes_max = options_.echo.held_bytes_max;
  using Pool = engine::SessionPool<echo::Session, echo::SessionShared>;
  listen(shard, "echo", std::make_unique<Pool>(echo::SessionShared(options)));
}

void Wiring::wire_tcp_echo(Shard& shard) {
  using Pool = engine::SessionPool<tcp::EchoSession, tcp::EchoShared>;
  listen(shard, "tcp-echo", std::make_unique<Pool>(tcp::EchoShared()));
}

void Wiring::wire_message_relay(Shard& shard) {
  const MessageRelayOptions& options = options_.message_relay;
  const std::uint32_t self = shard.post().shard();
  const relay::Places places(shard_count(), slot_registry, slot_exchange, slot_relay_branch);
  shard.spawn_at(
      slot_registry,
      std::make_unique<relay::Registry>(
          relay::Registry::Parts{shard.post(), shard.timers(), shard.counters(), shard.now()},
          relay::RegistryOptions{.registrations_max = options.registrations_max,
                                 .unused_timeout = options.unused_timeout}));
  shard.spawn_at(slot_exchange, std::make_unique<relay::Exchange>(
                                    relay::Exchange::Parts{shard.post(), shard.timers(),
                                                           shard.counters(), shard.now()},
                                    places.branches));
  auto branch = std::make_unique<relay::Branch>(
      places, shard.post(), shard.payloads(),
      relay::FrameCompressorOptions{.level = static_cast<int>(options.compression_level),
                                    .bytes_min = options.compressed_bytes_min});
  relay::ServerOptions server;
  server.http.limits.head_bytes_max = static_cast<std::uint32_t>(options.head_bytes_max);
  server.http.limits.target_bytes_max = static_cast<std::uint32_t>(options.head_bytes_max / 2);
  server.http.limits.body_bytes_max = options.body_bytes_max;
  server.http.held_bytes_max = options.held_bytes_max;
  server.http.replies_max = static_cast<std::uint32_t>(options.replies_max);
  server.http.head_timeout = options.head_timeout;
  server.http.body_timeout = options.body_timeout;
  server.http.idle_timeout = options.idle_timeout;
  server.session.limits.frame_bytes_max = options.frame_bytes_max;
  server.session.limits.message_bytes_max = options.message_bytes_max;
  server.session.limits.compressed_bytes_max = options.compressed_bytes_max;
  if (options.compression == RelayCompression::deflate)
    server.session.compression = websocket::Compression::deflate;
  server.session.topics_max = options.topics_max;
  server.session.topic_bytes_max = options.topic_bytes_max;
  server.session.pending_bytes_max = options.pending_bytes_max;
  server.session.ping_interval = options.ping_interval;
  server.session.replies_max = static_cast<std::uint32_t>(options.replies_max);
  server.session.held_bytes_max = options.held_bytes_max;
  server.public_url = options.public_url.value_or("ws://" + address_of("relay"));
  auto service = std::make_unique<relay::Server>(relay::Server::Parts{*branch, ids_[self], clock_},
                                                 places, server);
  shard.spawn_at(slot_relay_branch, std::move(branch));
  connection_logs_[self]->name(service->subscribers(), "relay");
  listen(shard, "relay", std::move(service));
}

void Wiring::wire_relays(Shard& shard) {
  for (const RelayRoute& route : options_.relay.routes) {
    tcp::RelayOptions relay;
    relay.dial.endpoint = route.upstream;
    relay.dial.tcp = tcp_options();
    relay.dial.connect_timeout = options_.relay.connect_timeout;
    relay.connect_wait = options_.relay.wait_max;
    relay.block_bytes_max = static_cast<std::uint32_t>(options_.relay.block_bytes_max);
    ConnectionLog* log = connection_logs_[shard.post().shard()].get();
    listen(shard, relay_name(route),
           std::make_unique<tcp::RelayPool>(tcp::RelayShared{relay, shard.dialer(), log}));
  }
}

const std::string& Wiring::address_of(std::string_view service) const {
  const auto found = std::ranges::find(services_, service, &ListeningService::name);
  ASSERT(found != services_.end());
  return found->address;
}

void Wiring::listen(Shard& shard, std::string_view name, std::unique_ptr<engine::Service> service) {
  const std::uint32_t self = shard.post().shard();
  connection_logs_[self]->name(*service, name);
  const std::uint32_t number = shard.add_service(std::move(service));
  for (ListeningService& listening : services_) {
    if (listening.name != name || self >= listening.sockets.size()) continue;
    shard.listen(std::exchange(listening.sockets[self], engine::no_fd), number);
  }
}

}  // namespace ringpost::daemon
