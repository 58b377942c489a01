#include "engine/net/dialer.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "engine/base/assert.h"
#include "engine/io/socket.h"

namespace ringpost::engine {

namespace {

// A lookup's token, as the one of an operation: slot and generation.
std::uint64_t lookup_token(std::uint32_t slot, std::uint32_t generation) {
  return (std::uint64_t{generation} << 32) | slot;
}

std::string error_text(int error) { return std::system_category().message(error); }

}  // namespace

Dialer::~Dialer() { ASSERT(dials_.empty() && connecting_ == 0); }

void Dialer::begin(Dial& dial) {
  ++parts_.counters.dials;
  Attempt& attempt = take_attempt();
  attempt.dial = &dial;
  dial.state_ = Dial::State::attempting;
  dial.attempt_slot_ = attempt.slot;
  const auto numeric = parse_address(to_text(dial.options_.endpoint));
  if (!numeric) return resolve(attempt);
  attempt.addresses = std::make_unique<Addresses>();
  attempt.addresses->list.push_back(*numeric);
  connect_next(attempt);
}

void Dialer::resolve(Attempt& attempt) {
  const Endpoint& endpoint = attempt.dial->options_.endpoint;
  if (parts_.resolver == nullptr) {
    return fail(attempt, "cannot look up " + endpoint.host + ": there is no resolver");
  }
  attempt.state = Attempt::State::resolving;
  parts_.resolver->resolve(endpoint.host, endpoint.port, parts_.self,
                           lookup_token(attempt.slot, attempt.generation));
}

void Dialer::on_resolved(const Message& message) {
  std::unique_ptr<Addresses> addresses = take_object<Addresses>(message);
  const auto slot = static_cast<std::uint32_t>(message.token);
  if (slot >= attempts_.size()) return;
  Attempt& attempt = attempts_[slot];
  const bool current = attempt.state == Attempt::State::resolving &&
                       message.token == lookup_token(slot, attempt.generation);
  if (!current) return;  // given up meanwhile
  if (!addresses->error.empty()) {
    ++parts_.counters.lookups_failed;
    return fail(attempt, addresses->error);
  }
  attempt.addresses = std::move(addresses);
  connect_next(attempt);
}

// Tries the addresses that are left until one is on its way.
void Dialer::connect_next(Attempt& attempt) {
  const std::vector<SocketAddress>& list = attempt.addresses->list;
  while (attempt.tried < list.size()) {
    if (try_connect(attempt, list[attempt.tried++])) return;
  }
  fail(attempt,
       "cannot connect to " + to_text(attempt.dial->options_.endpoint) + ": " + attempt.error);
}

bool Dialer::try_connect(Attempt& attempt, const SocketAddress& address) {
  const DialOptions& options = attempt.dial->options_;
  const auto socket = parts_.io.open_stream(address, options.tcp);
  if (!socket) {
    attempt.error = to_text(address) + ": " + socket.error().message();
    return false;
  }
  if (options.source) {
    if (const std::error_code error = parts_.io.bind_source(*socket, *options.source)) {
      attempt.error = "from " + to_text(*options.source) + ": " + error.message();
      parts_.io.close(*socket);
      return false;
    }
  }
  attempt.state = Attempt::State::connecting;
  attempt.socket = *socket;
  attempt.timed_out = false;
  ++connecting_;
  parts_.timers.schedule(attempt.timer, parts_.now + options.connect_timeout);
  parts_.io.connect(*socket, address,
                    OpToken::make(OpKind::connect, attempt.slot, attempt.generation));
  return true;
}

void Dialer::on_connect_timeout(Attempt& attempt) {
  attempt.timed_out = true;
  parts_.io.cancel(OpToken::make(OpKind::connect, attempt.slot, attempt.generation));
}

void Dialer::on_completion(const Completion& completion) {
  ASSERT(completion.token.slot() < attempts_.size());
  Attempt& attempt = attempts_[completion.token.slot()];
  ASSERT(attempt.state == Attempt::State::connecting);
  ASSERT((attempt.generation & OpToken::generation_max) == completion.token.generation());
  --connecting_;
  parts_.timers.cancel(attempt.timer);
  if (attempt.dial != nullptr && completion.result == 0) return on_connected(attempt);
  parts_.io.close(std::exchange(attempt.socket, no_fd));
  if (attempt.dial == nullptr) return release(attempt);
  const int error = attempt.timed_out ? ETIMEDOUT : -completion.result;
  attempt.error = to_text(attempt.addresses->list[attempt.tried - 1]) + ": " + error_text(error);
  // The next address is a connect of its own: a late completion must not be taken for its.
  ++attempt.generation;
  connect_next(attempt);
}

void Dialer::on_connected(Attempt& attempt) {
  ++parts_.counters.dials_connected;
  Dial& dial = *attempt.dial;
  const Fd socket = std::exchange(attempt.socket, no_fd);
  release(attempt);
  dial.state_ = Dial::State::idle;
  std::erase(dials_, &dial);
  parts_.connections.adopt_dialed(socket, dial.target_);
}

void Dialer::fail(Attempt& attempt, const std::string& error) {
  ++parts_.counters.dials_failed;
  Dial& dial = *attempt.dial;
  release(attempt);
  dial.on_failed(error);
}

void Dialer::abandon(Dial& dial) {
  Attempt& attempt = attempts_[dial.attempt_slot_];
  ASSERT(attempt.dial == &dial);
  if (attempt.state != Attempt::State::connecting) return release(attempt);
  attempt.dial = nullptr;
  parts_.timers.cancel(attempt.timer);
  if (!attempt.timed_out) on_connect_timeout(attempt);  // cancels
}

void Dialer::drain() {
  draining_ = true;
  while (!dials_.empty()) give_up(*dials_.back());
}

void Dialer::give_up(Dial& dial) {
  dial.cancel();
  dial.target_.on_dial_failed("stopping", never);
}

Dialer::Attempt& Dialer::take_attempt() {
  if (free_attempts_.empty()) {
    Attempt& attempt = attempts_.emplace_back();
    attempt.dialer = this;
    attempt.slot = static_cast<std::uint32_t>(attempts_.size() - 1);
    attempt.timer.target = &attempt;
    return attempt;
  }
  Attempt& attempt = attempts_[free_attempts_.back()];
  free_attempts_.pop_back();
  return attempt;
}

void Dialer::release(Attempt& attempt) {
  attempt.dial = nullptr;
  attempt.addresses.reset();
  attempt.tried = 0;
  attempt.error.clear();
  attempt.state = Attempt::State::free;
  ++attempt.generation;
  free_attempts_.push_back(attempt.slot);
}

}  // namespace ringpost::engine
