#include "engine/net/listener.h"

#include <cerrno>

#include "engine/base/assert.h"

namespace ringpost::engine {

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
  switch (-result) {
    case EMFILE:   // this process has no descriptor left
    case ENFILE:   // nor has the host
    case ENOBUFS:  // no memory for a socket
    case ENOMEM:
      ++counters_.accept_failed;
      state_ = State::backing_off;
      timers_.schedule(timer_, now_ + backoff_nanos);
      return;
    default:
      // ECONNABORTED and its like concern one client; a success without `more` was the queue's
      // overflow.
      start();
  }
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
