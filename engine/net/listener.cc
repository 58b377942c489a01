#include "engine/net/listener.h"

#include <cerrno>

#include "engine/base/assert.h"

namespace ringpost::engine {

namespace {

// The connection that was to be accepted failed first; the next one is as good as ever.
bool concerns_one_client(int error) {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    // Errors of the network that Linux reports for the new socket; see accept(2).
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

Listener::Listener(Fd socket, std::uint32_t slot, std::uint32_t service, AcceptTarget& target,
                   Io& io, TimerWheel& timers, Counters& counters, const Nanos& now)
    : socket_(socket),
      slot_(slot),
      service_(service),
      target_(target),
      io_(io),
      timers_(timers),
      counters_(counters),
      now_(now) {
  timer_.target = this;
}

Listener::~Listener() { ASSERT(state_ == State::closed); }

void Listener::start() {
  ASSERT(state_ == State::idle || state_ == State::backing_off);
  state_ = State::accepting;
  io_.accept(socket_, OpToken::make(OpKind::accept, slot_, 1));
}

void Listener::on_completion(const Completion& completion) {
  if (completion.result >= 0) {
    ++counters_.accepted;
    target_.on_accepted(completion.result, service_);
  }
  if (!completion.more) on_ended(completion.result);
}

void Listener::on_ended(std::int32_t result) {
  if (state_ == State::stopping) return close();
  state_ = State::idle;
  if (result >= 0 || concerns_one_client(-result)) return start();  // a success: it was interrupted
  // This process has no descriptor left (EMFILE), nor has the host (ENFILE), there is no memory for
  // a socket (ENOBUFS, ENOMEM), a rule forbids it and may forbid the same one again (EPERM), or
  // something stands in the way that we do not know.
  ++counters_.accept_failed;
  state_ = State::backing_off;
  timers_.schedule(timer_, now_ + backoff_nanos);
}

void Listener::retry() {
  if (state_ != State::backing_off) return;
  timers_.cancel(timer_);
  start();
}

void Listener::on_time() { start(); }

void Listener::stop() {
  timers_.cancel(timer_);
  switch (state_) {
    case State::accepting:
      state_ = State::stopping;
      io_.cancel(OpToken::make(OpKind::accept, slot_, 1));
      return;
    case State::idle:
    case State::backing_off:
      return close();
    case State::stopping:
    case State::closed:
      return;
  }
}

void Listener::close() {
  io_.close(socket_);
  state_ = State::closed;
}

}  // namespace ringpost::engine
