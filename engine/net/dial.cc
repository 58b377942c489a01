#include "engine/net/dial.h"

#include <utility>
#include <vector>

#include "engine/base/assert.h"
#include "engine/net/dialer.h"

namespace ringpost::engine {

Dial::Dial(Dialer& dialer, const DialOptions& options, DialTarget& target)
    : dialer_(dialer), options_(options), target_(target) {
  timer_.target = this;
}

void Dial::start() {
  ASSERT(state_ == State::idle);
  dialer_.dials_.push_back(this);
  state_ = State::waiting;
  if (std::exchange(ended_, false)) return wait(backoff_.next(dialer_.prng_));
  if (dialer_.draining_) return wait(0);
  starting_ = true;
  dialer_.begin(*this);
  starting_ = false;
}

void Dial::wait(Nanos delay) { dialer_.parts_.timers.schedule(timer_, dialer_.parts_.now + delay); }

void Dial::cancel() {
  if (state_ == State::idle) return;
  if (state_ == State::attempting) dialer_.abandon(*this);
  dialer_.parts_.timers.cancel(timer_);
  unheard_.clear();
  std::erase(dialer_.dials_, this);
  state_ = State::idle;
}

void Dial::on_ended(Nanos lived) {
  backoff_.on_ended(lived);
  ended_ = true;
}

void Dial::on_time() {
  if (dialer_.draining_) return dialer_.give_up(*this);
  if (!unheard_.empty()) return on_failed(std::exchange(unheard_, {}));
  dialer_.begin(*this);
}

void Dial::on_failed(const std::string& error) {
  state_ = State::waiting;
  if (starting_) {  // not from within `start`
    unheard_ = error;
    return wait(0);
  }
  const Nanos delay = backoff_.next(dialer_.prng_);
  wait(delay);
  target_.on_dial_failed(error, delay);  // which may cancel, or destroy this dial
}

}  // namespace ringpost::engine
