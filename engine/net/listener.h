#pragma once

// Listener: accepts on one listening socket and hands the sockets on. What concerns one client does
// not stop it; when accepting fails for want of descriptors or memory, or for a reason it does not
// know, it backs off and goes on by itself.
//
// Owned by: one shard. Called on: owner only.

#include <cstdint>

#include "engine/base/timer_wheel.h"
#include "engine/io/io.h"
#include "engine/net/counters.h"

namespace ringpost::engine {

// Takes accepted sockets, and owns them from there on.
class AcceptTarget {
 public:
  virtual void on_accepted(Fd socket, std::uint32_t service) = 0;

 protected:
  ~AcceptTarget() = default;
};

class Listener final : public TimerTarget {
 public:
  // After EMFILE and its kin, unless a connection ends earlier.
  static constexpr Nanos backoff_nanos = 100 * nanos_per_ms;

  // Takes over the listening socket. `slot` tells its completions from those of other listeners.
  Listener(Fd socket, std::uint32_t slot, std::uint32_t service, AcceptTarget& target, Io& io,
           TimerWheel& timers, Counters& counters, const Nanos& now);
  ~Listener();  // Requires: closed.
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start();
  void on_completion(const Completion& completion);
  // A descriptor became free: no need to wait longer.
  void retry();
  // Accepts no more; the socket is closed when the accept in flight has ended.
  void stop();
  bool closed() const { return state_ == State::closed; }

 private:
  enum class State : std::uint8_t {
    idle,         // not started, or about to start again
    accepting,    // the multishot accept is in flight
    backing_off,  // waiting for descriptors or memory
    stopping,     // cancelled, its final completion not yet here
    closed,
  };

  void on_time() override;
  void on_ended(std::int32_t result);
  void close();

  Fd socket_;
  std::uint32_t slot_;
  std::uint32_t service_;
  AcceptTarget& target_;
  Io& io_;
  TimerWheel& timers_;
  Counters& counters_;
  const Nanos& now_;
  TimerNode timer_;
  State state_ = State::idle;
};

}  // namespace ringpost::engine
