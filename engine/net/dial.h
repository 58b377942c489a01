#pragma once

// Dial: one wish to be connected to an endpoint. Each attempt looks the name up anew, tries all its
// addresses in order, each for a bounded time, and if none answers, the Dial waits (see Backoff)
// and tries again, until it is connected or cancelled.
//
// Owned by: whoever wants the connection, who may cancel or destroy it at any time. Called on: its
// shard only.

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/endpoint.h"
#include "engine/base/timer_wheel.h"
#include "engine/io/tcp_options.h"
#include "engine/net/backoff.h"
#include "engine/net/session.h"

namespace ringpost::engine {

class Dialer;

struct DialOptions {
  Endpoint endpoint;
  TcpOptions tcp;
  Nanos connect_timeout = 5 * nanos_per_s;  // of one address
  std::optional<SocketAddress> source =
      std::nullopt;  // where to connect from; else the kernel chooses
};

// Who dials. As a Service it makes the session of the connection that comes out.
class DialTarget : public Service {
 public:
  // An attempt failed; `error` is for people and names the endpoint. The next one begins in
  // `retry_in`, unless the dial is cancelled; `never`: there is no other, the shard is stopping.
  virtual void on_dial_failed(const std::string& error, Nanos retry_in) = 0;
};

class Dial final : public TimerTarget {
 public:
  // `options` outlives the dial.
  Dial(Dialer& dialer, const DialOptions& options, DialTarget& target);
  ~Dial() { cancel(); }
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

  // Attempts at once, or, after a connection of this dial that ended, when Backoff says so. From
  // then on the target hears: either it is asked for a session, once, or of each failure. Never
  // from within this call. Requires: not under way.
  void start();
  // The target hears no more. No effect if not under way.
  void cancel();
  // The connection that came out has ended, after that long.
  void on_ended(Nanos lived);

  bool under_way() const { return state_ != State::idle; }

 private:
  friend class Dialer;
  enum class State : std::uint8_t {
    idle,        // not asked for, connected, or cancelled
    waiting,     // for the timer
    attempting,  // an Attempt is ours
  };

  void on_time() override;
  void wait(Nanos delay);
  void on_failed(const std::string& error);

  Dialer& dialer_;
  const DialOptions& options_;
  DialTarget& target_;
  Backoff backoff_;
  TimerNode timer_;
  std::uint32_t attempt_slot_ = 0;
  State state_ = State::idle;
  std::string unheard_;  // a failure within `start`
  bool starting_ = false;
  bool ended_ = false;  // a connection came out earlier: the next start waits
};

}  // namespace ringpost::engine
