#include "tools/ringpost/connection_log.h"

#include <algorithm>

#include "engine/io/socket.h"

namespace ringpost::daemon {

using engine::CloseReason;
using engine::Fd;
using engine::Service;

namespace {

// Everyday ends: nobody has to look into them.
bool is_everyday(CloseReason reason) {
  return reason == CloseReason::peer_closed || reason == CloseReason::reset ||
         reason == CloseReason::drain || reason == CloseReason::other_side;
}

std::string peer_of(Fd socket) {
  const auto address = engine::peer_address(socket);
  return address ? engine::to_text(*address) : "?";
}

}  // namespace

ConnectionLog::ConnectionLog(Log& log, std::uint32_t shard, const engine::Nanos& now)
    : log_(log), shard_(shard), now_(now), all_(log.writes(LogLevel::debug)) {}

void ConnectionLog::name(const Service& service, std::string_view name) {
  names_.emplace_back(&service, name);
}

std::string_view ConnectionLog::name_of(const Service& service) const {
  const auto at = std::ranges::find(names_, &service, &decltype(names_)::value_type::first);
  return at == names_.end() ? "upstream" : std::string_view(at->second);
}

void ConnectionLog::on_opened(Fd socket, const Service& service) {
  if (!all_) return;
  std::string& peer = peers_[socket];
  peer = peer_of(socket);
  log_.debug("connection opened",
             {{"service", name_of(service)}, {"peer", peer}, {"shard", shard_}});
}

void ConnectionLog::on_closed(Fd socket, const Service& service, CloseReason reason) {
  if (all_) {
    log_.debug("connection closed", {{"service", name_of(service)},
                                     {"peer", peers_[socket]},
                                     {"reason", to_text(reason)},
                                     {"shard", shard_}});
    peers_.erase(socket);
    return;
  }
  if (is_everyday(reason) || !may_write()) return;
  log_.info("connection closed", {{"service", name_of(service)},
                                  {"peer", peer_of(socket)},
                                  {"reason", to_text(reason)},
                                  {"shard", shard_},
                                  {"suppressed", std::exchange(suppressed_, 0)}});
}

void ConnectionLog::on_dial_failed(const std::string& error, engine::Nanos retry_in) {
  if (!may_write()) return;
  log_.warn("upstream not reached", {{"error", error},
                                     {"retry_ms", retry_in / engine::nanos_per_ms},
                                     {"shard", shard_},
                                     {"suppressed", std::exchange(suppressed_, 0)}});
}

bool ConnectionLog::may_write() {
  if (now_ - second_began_ >= engine::nanos_per_s) {
    second_began_ = now_;
    written_ = 0;
  }
  if (written_ < lines_per_s_max) {
    ++written_;
    return true;
  }
  ++suppressed_;
  return false;
}

}  // namespace ringpost::daemon
