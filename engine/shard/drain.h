#pragma once

// Drain: how all shards come to rest together. Every shard stops accepting and gives its sessions
// their last input; then shard 0 asks in rounds whether anything moved. A shard answers `quiet`
// when it handled no message since the last round (but those of the drain), all its lanes and
// queues are empty and every session has had its last input. When two rounds in a row are quiet
// everywhere, nothing is on its way any more, and all flush and close.
//
// Why two: a shard looks into its lanes when it answers. What another shard sent before its own
// answer in the first round was published by then, so in the second it is either seen in the lane
// or was handled since, and both are not quiet. In the first alone, a shard may look just before
// another, which looks later, sends to it.
//
// `drain_nanos` bounds it all; a second signal ends it at once.
//
// Owned by: one shard. Called on: owner only.

#include <cstdint>

#include "engine/actor/post.h"
#include "engine/base/timer_wheel.h"

namespace ringpost::engine {

// The shard, as its drain sees it.
class DrainTarget {
 public:
  virtual void drain_begin() = 0;   // stop accepting, give the sessions their last input
  virtual bool drain_quiet() = 0;   // nothing moved since the last call, nothing waits
  virtual void drain_finish() = 0;  // flush and close
  virtual void drain_abort() = 0;   // close without flushing

 protected:
  ~DrainTarget() = default;
};

class Drain final : public TimerTarget {
 public:
  // Between two rounds, so that waiting for a slow peer does not spin.
  static constexpr Nanos round_pause = nanos_per_ms;

  Drain(DrainTarget& target, Post& post, TimerWheel& timers, const Nanos& now, Nanos drain_nanos);

  bool begun() const { return state_ != State::running; }
  bool closing() const { return state_ == State::closing; }
  bool aborted() const { return aborted_; }  // cut short, by time or by the second signal

  // One of the drain kinds.
  void on_message(const Message& message);

 private:
  enum class State : std::uint8_t {
    running,
    draining,  // rounds go on
    closing,   // flushing and closing: the shard ends with its last connection
  };

  // The bound on it all.
  class Deadline final : public TimerTarget {
   public:
    explicit Deadline(Drain& drain) : drain_(drain) { node.target = this; }
    void on_time() override { drain_.abort(); }
    TimerNode node;

   private:
    Drain& drain_;
  };

  void on_time() override;  // the next round
  void begin();
  void finish();
  void abort();
  void start_round();
  void on_report(bool quiet);

  DrainTarget& target_;
  Post& post_;
  TimerWheel& timers_;
  const Nanos& now_;
  Nanos drain_nanos_;
  State state_ = State::running;
  bool round_quiet_ = true;  // so far, on shard 0
  bool aborted_ = false;
  std::uint32_t reports_awaited_ = 0;
  std::uint32_t quiet_rounds_ = 0;  // in a row
  TimerNode round_timer_;
  Deadline deadline_;
};

}  // namespace ringpost::engine
