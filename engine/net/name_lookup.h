#pragma once

// NameLookup: one name on its way to addresses, by c-ares. Each lookup has a channel of its own, so
// that none waits for another's server, a change of /etc/resolv.conf counts from the next lookup
// on, and every query leaves from a port of its own. Nothing is kept from one to the next.
//
// A name is looked for in the hosts file first (where nsswitch.conf says so; the environment's
// CARES_HOSTS names another), then asked of the servers, IPv4 and IPv6 at a time. The addresses are
// ordered as RFC 6724 says.
//
// Owned by and called on: one thread.

#include <poll.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/io/io.h"

struct ares_channeldata;
struct ares_addrinfo;

namespace ringpost::engine {

struct NameLookupOptions {
  std::string servers;              // "127.0.0.1:5353,[::1]:53"; empty: those of resolv.conf
  Nanos timeout = 2 * nanos_per_s;  // of the first try of a server; each further one: twice as long
  std::uint32_t tries = 2;          // rounds through the servers
};

// What is wrong with these options, if anything is.
std::optional<std::string> validate(const NameLookupOptions& options);

class NameLookup {
 public:
  explicit NameLookup(std::string host) : host_(std::move(host)) {}
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  // Begins, or begins anew once done. May be done at once.
  void start(const NameLookupOptions& options, Nanos now);
  bool done() const { return done_; }

  // --- While it is not done ---

  const std::vector<pollfd>& descriptors() const { return descriptors_; }
  // When to call `on_time`, ready descriptors or not.
  Nanos next_time(Nanos now) const;
  void on_ready(const pollfd& descriptor);
  // It ends by itself once all servers have had their tries; with search domains, or a server that
  // sends a little now and then, that could go on, so that it is cut off after
  // servers * timeout * (2^tries - 1) + timeout.
  void on_time(Nanos now);
  void cancel(const char* why);

  // --- Once it is done ---

  // Without a port; empty if there is an error.
  const std::vector<SocketAddress>& list() const { return list_; }
  const std::string& error() const { return error_; }

 private:
  struct Destroy {
    void operator()(ares_channeldata* channel) const;
  };
  using Channel = std::unique_ptr<ares_channeldata, Destroy>;

  static void on_socket(void* self, int socket, int readable, int writable);
  static void on_answer(void* self, int status, int timeouts, ares_addrinfo* answer);
  void take(const ares_addrinfo& answer);
  void fail(int status);
  void fail(const char* why);

  std::string host_;
  std::vector<pollfd> descriptors_;
  Nanos end_ = 0;
  bool done_ = false;
  std::vector<SocketAddress> list_;
  std::string error_;
  Channel channel_;  // last: its end calls back
};

}  // namespace ringpost::engine
