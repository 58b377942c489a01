#include "tools/ringpost/option_table.h"

#include <algorithm>
#include <charconv>

#include "engine/base/assert.h"

namespace ringpost::daemon {

namespace {

using engine::Nanos;

constexpr std::uint64_t kibi = 1 << 10, mebi = 1 << 20, gibi = 1 << 30;
constexpr std::uint64_t ms = engine::nanos_per_ms;
constexpr std::uint64_t s = engine::nanos_per_s, hour = 3600 * s, day = 24 * hour;

constexpr std::string_view reply_words[] = {"spaced", "compact"};
constexpr std::string_view line_end_words[] = {"crlf", "any"};
constexpr std::string_view compression_words[] = {"off", "deflate"};
constexpr std::string_view level_words[] = {"trace", "debug", "info", "warn", "error", "off"};
constexpr std::string_view format_words[] = {"text", "json"};

// Calls `take` with each part of a comma list; a list without commas has one part.
template <typename Take>
void for_each_part(std::string_view list, Take take) {
  while (true) {
    const std::size_t comma = list.find(',');
    take(list.substr(0, comma));
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

struct ServiceName {
  std::string_view name;
  bool& (*enabled)(Options&);
};
constexpr ServiceName services[] = {
    {"orders", [](Options& o) -> bool& { return o.orders.enabled; }},
    {"chat", [](Options& o) -> bool& { return o.chat.enabled; }},
    {"echo", [](Options& o) -> bool& { return o.echo.enabled; }},
    {"tcp-echo", [](Options& o) -> bool& { return o.tcp_echo.enabled; }},
    {"relay", [](Options& o) -> bool& { return o.message_relay.enabled; }},
};

std::string service_names() {
  std::string list;
  for (const ServiceName& service : services) {
    if (!list.empty()) list += ", ";
    list += service.name;
  }
  return list;
}

std::string set_services(Options& options, std::string_view text) {
  Options chosen = options;
  for (const ServiceName& service : services) service.enabled(chosen) = false;
  std::string wrong;
  if (text == "none") {
    options = chosen;
    return wrong;
  }
  for_each_part(text, [&](std::string_view part) {
    const auto* known = std::ranges::find(services, part, &ServiceName::name);
    if (known == std::end(services)) {
      wrong = "names '" + std::string(part) + "', which is none of " + service_names();
    } else {
      known->enabled(chosen) = true;
    }
  });
  if (wrong.empty()) options = chosen;
  return wrong;
}

std::string show_services(const Options& options) {
  Options copy = options;  // the accessors take what they could change
  std::string list;
  for (const ServiceName& service : services) {
    if (!service.enabled(copy)) continue;
    if (!list.empty()) list += ',';
    list += service.name;
  }
  return list.empty() ? "none" : list;
}

constexpr int cpu_max = (1 << 16) - 1;  // what affinity_cpus can see

bool parse_cpu(std::string_view text, int& cpu) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  return error == std::errc() && end == text.data() + text.size() && cpu >= 0 && cpu <= cpu_max;
}

std::string set_cpus(Options& options, std::string_view text) {
  if (text == "auto") {
    options.shards.cpus.clear();
    return "";
  }
  std::vector<int> cpus;
  std::vector<bool> named(cpu_max + 1);
  std::string wrong;
  for_each_part(text, [&](std::string_view part) {
    const std::size_t dash = part.find('-');
    int first = 0, last = 0;
    const bool known =
        parse_cpu(part.substr(0, dash), first) &&
        parse_cpu(dash == std::string_view::npos ? part : part.substr(dash + 1), last);
    if (!known || first > last) {
      wrong = "has the part '" + std::string(part) + "', which is no CPU and no range of CPUs";
      return;
    }
    for (int cpu = first; cpu <= last; ++cpu) {
      if (named[static_cast<std::size_t>(cpu)]) {
        wrong = "names CPU " + std::to_string(cpu) + " twice";
        return;
      }
      named[static_cast<std::size_t>(cpu)] = true;
      cpus.push_back(cpu);
    }
  });
  if (wrong.empty()) options.shards.cpus = std::move(cpus);
  return wrong;
}

std::string show_cpus(const Options& options) {
  if (options.shards.cpus.empty()) return "auto";
  std::string list;
  for (const int cpu : options.shards.cpus) {
    if (!list.empty()) list += ',';
    list += std::to_string(cpu);
  }
  return list;
}

std::string set_address(ListenAddress& address, std::string_view text) {
  engine::Result<ListenAddress, std::string> parsed = parse_listen_address(text);
  if (!parsed) return parsed.error();
  address = *parsed;
  return "";
}

std::string add_relay(Options& options, std::string_view text) {
  if (text == "none") {
    options.relay.routes.clear();
    return "";
  }
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return "has no '=' between where to listen and whom to relay to";
  }
  RelayRoute route;
  if (std::string wrong = set_address(route.listen, text.substr(0, equals)); !wrong.empty()) {
    return wrong;
  }
  const auto upstream = engine::parse_endpoint(text.substr(equals + 1));
  if (!upstream) return upstream.error();
  route.upstream = *upstream;
  options.relay.routes.push_back(std::move(route));
  return "";
}

std::string show_relays(const Options& options) {
  std::string list;
  for (const RelayRoute& route : options.relay.routes) {
    if (!list.empty()) list += ' ';
    list += show_listen_address(route.listen) + "=" + engine::to_text(route.upstream);
  }
  return list.empty() ? "none" : list;
}

std::string set_dns_servers(Options& options, std::string_view text) {
  std::string wrong;
  if (text != "auto") {
    for_each_part(text, [&](std::string_view part) {
      ListenAddress address;
      if (std::string why = set_address(address, part); !why.empty()) wrong = why;
    });
  }
  if (wrong.empty()) options.dns.servers = text == "auto" ? "" : text;
  return wrong;
}

constexpr TextList relay_list = {add_relay, show_relays};
constexpr Text dns_servers = {set_dns_servers, [](const Options& o) {
                                return o.dns.servers.empty() ? "auto" : o.dns.servers;
                              }};
constexpr Text cpu_list = {set_cpus, show_cpus};
constexpr Text service_list = {set_services, show_services};
constexpr Text orders_address = {
    [](Options& o, std::string_view text) { return set_address(o.orders.listen, text); },
    [](const Options& o) { return show_listen_address(o.orders.listen); }};
constexpr Text chat_address = {
    [](Options& o, std::string_view text) { return set_address(o.chat.listen, text); },
    [](const Options& o) { return show_listen_address(o.chat.listen); }};

constexpr Text echo_address = {
    [](Options& o, std::string_view text) -> std::string {
      ListenAddress address;
      const bool automatic = text == "auto";
      const std::string wrong = automatic ? "" : set_address(address, text);
      if (wrong.empty()) o.echo.listen = automatic ? std::nullopt : std::optional(address);
      return wrong;
    },
    [](const Options& o) -> std::string {
      return o.echo.listen ? show_listen_address(*o.echo.listen) : "auto";
    }};
constexpr Text tcp_echo_address = {
    [](Options& o, std::string_view text) { return set_address(o.tcp_echo.listen, text); },
    [](const Options& o) { return show_listen_address(o.tcp_echo.listen); }};

constexpr Text message_relay_address = {
    [](Options& o, std::string_view text) { return set_address(o.message_relay.listen, text); },
    [](const Options& o) { return show_listen_address(o.message_relay.listen); }};
// It goes into JSON as it is, and clients put a path behind it.
constexpr Text message_relay_url = {
    [](Options& o, std::string_view text) -> std::string {
      if (text == "auto") {
        o.message_relay.public_url.reset();
        return "";
      }
      const bool is_url = text.starts_with("ws://") || text.starts_with("wss://");
      const bool is_plain = std::ranges::all_of(
          text, [](char c) { return c > ' ' && c < 127 && c != '"' && c != '\\'; });
      if (!is_url || !is_plain || text.ends_with('/')) {
        return "is no address such as ws://relay.example:8000";
      }
      o.message_relay.public_url = text;
      return "";
    },
    [](const Options& o) { return o.message_relay.public_url.value_or("auto"); }};

constexpr Choice reply_choice = {
    reply_words, [](const Options& o) { return static_cast<std::uint8_t>(o.orders.reply); },
    [](Options& o, std::uint8_t i) { o.orders.reply = static_cast<OrderBookReply>(i); }};
constexpr Choice compression_choice = {
    compression_words,
    [](const Options& o) { return static_cast<std::uint8_t>(o.message_relay.compression); },
    [](Options& o, std::uint8_t i) {
      o.message_relay.compression = static_cast<RelayCompression>(i);
    }};
constexpr Choice line_end_choice = {
    line_end_words, [](const Options& o) { return static_cast<std::uint8_t>(o.chat.line_end); },
    [](Options& o, std::uint8_t i) { o.chat.line_end = static_cast<ChatLineEnd>(i); }};
constexpr Choice level_choice = {
    level_words, [](const Options& o) { return static_cast<std::uint8_t>(o.log.level); },
    [](Options& o, std::uint8_t i) { o.log.level = static_cast<LogLevel>(i); }};
constexpr Choice format_choice = {
    format_words, [](const Options& o) { return static_cast<std::uint8_t>(o.log.format); },
    [](Options& o, std::uint8_t i) { o.log.format = static_cast<LogFormat>(i); }};

// A member of Options, as a function that finds it.
#define AT(type, member) [](Options& o) -> type& { return o.member; }
#define COUNT(member, ...) \
  Number { AT(std::uint64_t, member), Unit::count, __VA_ARGS__ }
#define BYTES(member, ...) \
  Number { AT(std::uint64_t, member), Unit::bytes, __VA_ARGS__ }
#define SECONDS(member, ...) \
  Number { AT(Nanos, member), Unit::seconds, __VA_ARGS__ }

using G = OptionGroup;

constexpr OptionRow rows[] = {
    {G::services, "services", "LIST", service_list,
     "Services to start, with commas, or none: orders, chat, echo, tcp-echo, relay."},

    {G::orders, "orders-listen", "ADDR", orders_address,
     "Where the order book listens. Port 0: any free one."},
    {G::orders, "orders-cap", "AMOUNT", Amount{AT(float, orders.cap)},
     "A buy that would bring the total to this amount or above is rejected."},
    {G::orders, "order-book-reply", "FORM", reply_choice,
     "How GET is answered: 'BYND: 8;' or 'BYND:8;'."},
    {G::orders, "order-book-ack", "", Flag{AT(bool, orders.ack)},
     "Answer each BUY with 1 (accepted) or 0."},
    {G::orders, "orders-line-bytes-max", "SIZE", BYTES(orders.line_bytes_max, 16, mebi),
     "Longest request line; a longer one is answered with an error and skipped."},
    {G::orders, "orders-tickers-max", "COUNT", COUNT(orders.tickers_max, 1, 1'000'000),
     "Distinct tickers that the book holds."},
    {G::orders, "orders-replies-max", "COUNT", COUNT(orders.replies_max, 1, 1'000'000),
     "Answers that one connection may have outstanding; above, its requests wait."},

    {G::chat, "chat-listen", "ADDR", chat_address, "Where the chat listens. Port 0: any free one."},
    {G::chat, "chat-line-end", "ENDS", line_end_choice,
     "What ends a line from a client: CR LF alone, or any LF with or without a CR."},
    {G::chat, "chat-line-bytes-max", "SIZE", BYTES(chat.line_bytes_max, 16, mebi),
     "Longest line; a longer one is answered with an error and skipped."},
    {G::chat, "chat-nick-bytes-max", "SIZE", BYTES(chat.nick_bytes_max, 1, 64), "Longest nick."},
    {G::chat, "chat-nick-timeout", "TIME", SECONDS(chat.nick_timeout, ms, hour),
     "A client that has not named itself by then is disconnected."},
    {G::chat, "chat-pending-bytes-max", "SIZE", BYTES(chat.pending_bytes_max, kibi, gibi),
     "How far a reader may lag behind; above, it alone is disconnected."},
    {G::chat, "chat-waiting-runs-max", "COUNT", COUNT(chat.waiting_runs_max, 1, 1'000'000, false),
     "Reads' worth of lines that may wait for one shard whose lane is full; above, all senders "
     "pause."},

    {G::echo, "echo-listen", "ADDR", echo_address,
     "Where the echo of frames listens. Port 0: any free one.",
     "127.0.0.1:8081 beside the order book, else 127.0.0.1:8080"},
    {G::echo, "echo-frame-bytes-max", "SIZE", BYTES(echo.frame_bytes_max, 1, gibi),
     "Largest frame, without its header; a larger one ends its connection."},
    {G::echo, "echo-held-bytes-max", "SIZE", BYTES(echo.held_bytes_max, 64 * kibi, 1024 * gibi),
     "What one shard may hold of large frames that have not come whole, or have not been taken "
     "by their receivers; the connection that needs more is ended."},
    {G::echo, "tcp-echo-listen", "ADDR", tcp_echo_address,
     "Where the echo of bytes listens: by default on all interfaces. Port 0: any free one."},

    {G::message_relay, "relay-listen", "ADDR", message_relay_address,
     "Where the relay of messages listens. Port 0: any free one."},
    {G::message_relay, "relay-public-url", "URL", message_relay_url,
     "Where clients are told to connect, as in ws://relay.example:8000.",
     "ws:// and the address it listens on"},
    {G::message_relay, "relay-head-bytes-max", "SIZE",
     BYTES(message_relay.head_bytes_max, kibi, mebi),
     "Longest head of an HTTP request; its target may have half of it."},
    {G::message_relay, "relay-body-bytes-max", "SIZE",
     BYTES(message_relay.body_bytes_max, kibi, gibi), "Longest body of an HTTP request."},
    {G::message_relay, "relay-held-bytes-max", "SIZE",
     BYTES(message_relay.held_bytes_max, 64 * kibi, 1024 * gibi),
     "What one shard may hold of bodies, and as much again of messages, that have not come whole; "
     "the connection that needs more is ended."},
    {G::message_relay, "relay-replies-max", "COUNT", COUNT(message_relay.replies_max, 1, 65'536),
     "Answers outstanding on one connection; then its requests wait."},
    {G::message_relay, "relay-head-timeout", "TIME", SECONDS(message_relay.head_timeout, ms, day),
     "How long the head of a request may take to come."},
    {G::message_relay, "relay-body-timeout", "TIME", SECONDS(message_relay.body_timeout, ms, day),
     "How long its body may take."},
    {G::message_relay, "relay-idle-timeout", "TIME", SECONDS(message_relay.idle_timeout, ms, day),
     "How long an HTTP connection may ask for nothing."},
    {G::message_relay, "relay-frame-bytes-max", "SIZE",
     BYTES(message_relay.frame_bytes_max, 125, gibi), "Largest WebSocket frame of a client."},
    {G::message_relay, "relay-message-bytes-max", "SIZE",
     BYTES(message_relay.message_bytes_max, 125, gibi),
     "Largest WebSocket message of a client, all its frames together."},
    {G::message_relay, "relay-compression", "WORD", compression_choice,
     "Whether a client that offers permessage-deflate may send compressed messages, and gets "
     "them."},
    {G::message_relay, "relay-compression-level", "LEVEL",
     COUNT(message_relay.compression_level, 1, 9), "From 1, fast, to 9, small."},
    {G::message_relay, "relay-compressed-bytes-min", "SIZE",
     BYTES(message_relay.compressed_bytes_min, 0, gibi),
     "Shortest message that is sent compressed, if that makes it shorter."},
    {G::message_relay, "relay-compressed-bytes-max", "SIZE",
     BYTES(message_relay.compressed_bytes_max, 125, gibi),
     "Largest compressed message of a client as it comes; inflated, it has the limit of all."},
    {G::message_relay, "relay-pending-bytes-max", "SIZE",
     BYTES(message_relay.pending_bytes_max, kibi, gibi),
     "What may wait for a subscriber that reads slowly, before it is told to come back later."},
    {G::message_relay, "relay-topics-max", "COUNT", COUNT(message_relay.topics_max, 1, 4'096),
     "Topics of one subscriber."},
    {G::message_relay, "relay-topic-bytes-max", "SIZE",
     BYTES(message_relay.topic_bytes_max, 1, 64 * kibi), "Longest topic of a subscriber."},
    {G::message_relay, "relay-ping-interval", "TIME", SECONDS(message_relay.ping_interval, ms, day),
     "How often subscribers are pinged; who sends nothing in between is gone."},
    {G::message_relay, "relay-registrations-max", "COUNT",
     COUNT(message_relay.registrations_max, 1, 100'000'000), "Registrations that one shard keeps."},
    {G::message_relay, "relay-unused-timeout", "TIME",
     SECONDS(message_relay.unused_timeout, ms, 7 * day),
     "How long a registration is kept that nobody connects by."},

    {G::relay, "relay-tcp", "L=H:P", relay_list,
     "Relay the bytes of those who connect to the address before '=' to the name or address "
     "behind it, and back, as in 127.0.0.1:9000=db.internal:5432. May be given several times."},
    {G::relay, "relay-block-bytes-max", "SIZE", BYTES(relay.block_bytes_max, 2 * kibi, gibi),
     "Largest piece relayed at a time; each direction of a connection holds at most two."},
    {G::relay, "relay-connect-timeout", "TIME", SECONDS(relay.connect_timeout, ms, hour),
     "How long one address of an upstream may take to answer before the next is tried."},
    {G::relay, "relay-wait-max", "TIME", SECONDS(relay.wait_max, ms, hour),
     "How long a client waits for its upstream, through all attempts, before it is reset."},
    {G::relay, "dns-servers", "LIST", dns_servers,
     "Who is asked for the addresses of names, with ports, such as 127.0.0.1:53.",
     "those of /etc/resolv.conf"},
    {G::relay, "dns-timeout", "TIME", SECONDS(dns.timeout, ms, hour),
     "How long the first try of a server may take; the next ones twice as long each."},
    {G::relay, "dns-tries", "COUNT", COUNT(dns.tries, 1, 16), "Tries of each server."},

    {G::connections, "max-connections", "COUNT",
     Number{AT(std::optional<std::uint64_t>, connections.count_max), Unit::count, 1, 10'000'000},
     "Connections of all services together; further ones are closed at once.",
     "what the open-file limit leaves room for"},
    {G::connections, "reuseport", "", Flag{AT(bool, connections.reuseport)},
     "Let every shard accept for itself and the kernel choose the shard, instead of handing "
     "each connection to the shard that has the fewest."},
    {G::connections, "output-high-bytes", "SIZE", BYTES(connections.output_high_bytes, kibi, gibi),
     "A connection with that much unsent output has its further requests wait."},
    {G::connections, "output-low-bytes", "SIZE", BYTES(connections.output_low_bytes, 0, gibi),
     "They go on once its unsent output is below this."},
    {G::connections, "linger-timeout", "TIME", SECONDS(connections.linger_timeout, ms, hour),
     "How long the rest of a peer's input is read after an error that ends its connection, so "
     "that the peer can read the answer before the connection is gone."},
    {G::connections, "linger-bytes-max", "SIZE", BYTES(connections.linger_bytes_max, 0, gibi),
     "And how much of it."},
    {G::connections, "drain-timeout", "TIME", SECONDS(connections.drain_timeout, 0, hour),
     "How long SIGTERM and SIGINT wait for requests and answers under way."},

    {G::connections, "tcp-keepalive-time", "TIME", SECONDS(connections.keepalive_time, 0, hour),
     "A peer that was silent that long is probed for being there, in whole seconds. 0: never."},
    {G::connections, "tcp-keepalive-interval", "TIME",
     SECONDS(connections.keepalive_interval, s, hour), "Between two probes, in whole seconds."},
    {G::connections, "tcp-keepalive-count", "COUNT", COUNT(connections.keepalive_count, 1, 127),
     "Probes without an answer that end the connection."},
    {G::connections, "tcp-user-timeout", "TIME", SECONDS(connections.user_timeout, 0, 24 * hour),
     "Sent bytes that stay unacknowledged, or find no room, that long end the connection. The "
     "kernel lets it stand in for the count of probes, too. 0: the kernel decides."},
    {G::connections, "tcp-receive-bytes", "SIZE", BYTES(connections.socket_receive_bytes, 0, gibi),
     "The kernel's receive buffer of each socket. 0: it decides."},
    {G::connections, "tcp-send-bytes", "SIZE", BYTES(connections.socket_send_bytes, 0, gibi),
     "The kernel's send buffer of each socket. 0: it decides."},

    {G::shards, "shards", "COUNT",
     Number{AT(std::optional<std::uint64_t>, shards.count), Unit::count, 1, shards_max},
     "Threads, each with an io_uring and connections of its own.",
     "one per CPU of --cpus, at most 64"},
    {G::shards, "cpus", "LIST", cpu_list, "CPUs to pin the shards to in turn, such as 0,2-3.",
     "all that this process may run on"},
    {G::shards, "spin-us", "TIME",
     Number{AT(std::optional<Nanos>, shards.spin), Unit::microseconds, 0, s},
     "How long a shard that has run out of work looks for more before it sleeps.",
     "50us while each shard has a CPU of its own, else 0s"},
    {G::shards, "lane-capacity", "COUNT", COUNT(shards.lane_capacity, 2, mebi, true),
     "Messages from one shard that may wait for one other in their lane."},
    {G::shards, "receive-buffers", "COUNT", COUNT(shards.receive_buffers, 2, 32'768, true),
     "Buffers of one shard that the kernel fills with what its connections receive."},
    {G::shards, "receive-buffer-bytes", "SIZE", BYTES(shards.receive_buffer_bytes, 64, mebi),
     "How large each is; also how much of one connection is read before the next one's turn."},

    {G::logging, "log-level", "LEVEL", level_choice, "What is logged, on standard error."},
    {G::logging, "log-format", "FORM", format_choice,
     "Lines for people, or one JSON object a line."},

    {G::other, "version", "", Action{}, "Print the version and exit."},
    {G::other, "help", "", Action{}, "Print this help and exit."},
};

#undef AT
#undef COUNT
#undef BYTES
#undef SECONDS

}  // namespace

std::string_view heading(OptionGroup group) {
  switch (group) {
    case OptionGroup::services:
      return "Services";
    case OptionGroup::orders:
      return "Order book";
    case OptionGroup::chat:
      return "Chat";
    case OptionGroup::echo:
      return "Echo";
    case OptionGroup::message_relay:
      return "Relay of messages";
    case OptionGroup::relay:
      return "Relay of bytes";
    case OptionGroup::connections:
      return "Connections";
    case OptionGroup::shards:
      return "Shards";
    case OptionGroup::logging:
      return "Logging";
    case OptionGroup::other:
      return "Other";
  }
  ASSERT(false);
  return "";
}

std::span<const OptionRow> option_table() { return rows; }

const OptionRow* find_option(std::string_view name) {
  const OptionRow* row = std::ranges::find(rows, name, &OptionRow::name);
  return row == std::end(rows) ? nullptr : row;
}

}  // namespace ringpost::daemon
