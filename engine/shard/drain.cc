#include "engine/shard/drain.h"

#include "engine/base/assert.h"
#include "engine/shard/shard.h"

namespace ringpost::engine {

Drain::Drain(DrainTarget& target, Post& post, TimerWheel& timers, const Nanos& now,
             Nanos drain_nanos)
    : target_(target),
      post_(post),
      timers_(timers),
      now_(now),
      drain_nanos_(drain_nanos),
      deadline_(*this) {
  round_timer_.target = this;
}

void Drain::on_message(const Message& message) {
  switch (message.kind) {
    case kind_drain:
      return begin();
    case kind_drain_skip:
      begin();
      return abort();
    case kind_drain_round:
      post_.answer(message, kind_drain_report).value = begun() && target_.drain_quiet() ? 1 : 0;
      return;
    case kind_drain_report:
      return on_report(message.value != 0);
    case kind_drain_finish:
      return finish();
    default:
      ASSERT(!"a kind of the drain");
  }
}

void Drain::begin() {
  if (begun()) return;
  state_ = State::draining;
  timers_.schedule(deadline_.node, now_ + drain_nanos_);
  target_.drain_begin();
  if (post_.shard() == 0) timers_.schedule(round_timer_, now_ + round_pause);
}

void Drain::on_time() { start_round(); }

void Drain::start_round() {
  if (state_ != State::draining) return;
  round_quiet_ = true;
  reports_awaited_ = post_.shard_count();
  for (std::uint32_t shard = 0; shard < post_.shard_count(); ++shard) {
    post_.ask(Shard::ref_of(shard), Shard::ref_of(0), kind_drain_round, 0);
  }
}

void Drain::on_report(bool quiet) {
  if (state_ != State::draining) return;
  ASSERT(reports_awaited_ > 0);
  round_quiet_ = round_quiet_ && quiet;
  if (--reports_awaited_ != 0) return;
  quiet_rounds_ = round_quiet_ ? quiet_rounds_ + 1 : 0;
  if (quiet_rounds_ < 2) {
    timers_.schedule(round_timer_, now_ + round_pause);
    return;
  }
  for (std::uint32_t shard = 0; shard < post_.shard_count(); ++shard) {
    post_.tell(Shard::ref_of(shard), Shard::ref_of(0), kind_drain_finish);
  }
}

void Drain::finish() {
  if (state_ != State::draining) return;
  state_ = State::closing;
  target_.drain_finish();
}

void Drain::abort() {
  state_ = State::closing;
  aborted_ = true;
  timers_.cancel(deadline_.node);
  target_.drain_abort();
}

}  // namespace ringpost::engine
