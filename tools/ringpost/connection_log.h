#pragma once

// ConnectionLog: why each connection of one shard ended, in the log. With level debug, every one
// and with its peer; else those that ended for a reason somebody may want to act on, at most
// `lines_per_s_max` a second: a line is a system call on the shard's thread, and a thousand peers
// may fail at once. The counters have them all.
//
// Owned by: one shard's wiring. Called on: that shard only.

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/net/connection_observer.h"
#include "protocols/tcp/relay.h"
#include "tools/ringpost/log.h"

namespace ringpost::daemon {

class ConnectionLog final : public engine::ConnectionObserver, public tcp::RelayObserver {
 public:
  static constexpr std::uint32_t lines_per_s_max = 10;

  // `now` is of the shard's turn.
  ConnectionLog(Log& log, std::uint32_t shard, const engine::Nanos& now);

  // What a service is called here; connections of others are those to an upstream.
  void name(const engine::Service& service, std::string_view name);

  void on_opened(engine::Fd socket, const engine::Service& service) override;
  void on_closed(engine::Fd socket, const engine::Service& service,
                 engine::CloseReason reason) override;
  void on_dial_failed(const std::string& error, engine::Nanos retry_in) override;

 private:
  std::string_view name_of(const engine::Service& service) const;
  bool may_write();

  Log& log_;
  std::uint32_t shard_;
  const engine::Nanos& now_;
  bool all_;  // and with their peers
  std::vector<std::pair<const engine::Service*, std::string>> names_;
  std::unordered_map<engine::Fd, std::string> peers_;  // of open connections, if `all_`
  engine::Nanos second_began_ = 0;
  std::uint32_t written_ = 0;     // in this second
  std::uint64_t suppressed_ = 0;  // since the last line
};

}  // namespace ringpost::daemon
