#pragma once

// Wiring: which actors and services stand on which shard, and the sockets they listen on. The one
// place that knows all layers.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/shard/shard_group.h"
#include "tools/ringpost/connection_log.h"
#include "tools/ringpost/log.h"
#include "tools/ringpost/options.h"
#include "tools/ringpost/system_sources.h"

namespace ringpost::daemon {

// One service's listening sockets: one, or with --reuseport one per shard.
struct ListeningService {
  std::string name;
  std::string address;  // as bound
  std::vector<engine::Fd> sockets;
};

class Wiring {
 public:
  Wiring(const Options& options, Log& log);
  ~Wiring();  // Closes the sockets that no shard took.
  Wiring(const Wiring&) = delete;
  Wiring& operator=(const Wiring&) = delete;

  // Binds every enabled service. The error names the address and the reason.
  engine::Result<bool, std::string> bind();
  const std::vector<ListeningService>& services() const { return services_; }

  engine::ShardGroupOptions group_options() const;

  // Called on: each shard's thread, once.
  void wire(engine::Shard& shard);

 private:
  engine::Result<bool, std::string> bind_service(std::string_view name,
                                                 const ListenAddress& address);
  void wire_orders(engine::Shard& shard);
  void wire_chat(engine::Shard& shard);
  void wire_echo(engine::Shard& shard);
  void wire_tcp_echo(engine::Shard& shard);
  void wire_message_relay(engine::Shard& shard);
  void wire_relays(engine::Shard& shard);
  engine::TcpOptions tcp_options() const;
  const std::string& address_of(std::string_view service) const;
  void listen(engine::Shard& shard, std::string_view name,
              std::unique_ptr<engine::Service> service);
  std::uint32_t shard_count() const { return static_cast<std::uint32_t>(*options_.shards.count); }

  const Options& options_;
  Log& log_;
  std::vector<std::unique_ptr<ConnectionLog>> connection_logs_;  // by shard
  std::vector<ListeningService> services_;
  std::vector<RandomIds> ids_;  // by shard
  SystemClock clock_;
};

}  // namespace ringpost::daemon
