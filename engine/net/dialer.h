#pragma once

// Dialer: outgoing connections of one shard. A Dial is one wish to be connected to an endpoint:
// each attempt looks the name up anew, tries all its addresses in order, each for a bounded time,
// and if none answers, the Dial waits (see Backoff) and tries again, until it is connected or
// cancelled.
//
// The Dial is its owner's and may be cancelled or destroyed at any time; what the kernel or the
// resolver still has to do with it belongs to an Attempt, which is the Dialer's and outlives it.
//
// Owned by: one shard. Called on: its shard only.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/actor/message.h"
#include "engine/base/prng.h"
#include "engine/base/timer_wheel.h"
#include "engine/io/io.h"
#include "engine/net/backoff.h"
#include "engine/net/connections.h"
#include "engine/net/endpoint.h"
#include "engine/net/resolver.h"

namespace ringpost::engine {

struct DialOptions {
  Endpoint endpoint;
  TcpOptions tcp;
  Nanos connect_timeout = 5 * nanos_per_s;  // of one address
};

// Who dials. As a Service it makes the session of the connection that comes out.
class DialTarget : public Service {
 public:
  // An attempt failed; `error` is for people and names the endpoint. The next one begins in
  // `retry_in`, unless the dial is cancelled; `never`: there is no other, the shard is stopping.
  virtual void on_dial_failed(const std::string& error, Nanos retry_in) = 0;
};

class Dialer;

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

class Dialer {
 public:
  struct Parts {
    Io& io;
    Connections& connections;
    TimerWheel& timers;
    Counters& counters;
    const Nanos& now;
    ActorRef self;       // who answers of the resolver are addressed to
    Resolver* resolver;  // null: numeric addresses only
    std::uint64_t seed;  // of the jitter
  };

  explicit Dialer(const Parts& parts) : parts_(parts), prng_(parts.seed) {}
  ~Dialer();  // Requires: idle.
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // The completion of a connect.
  void on_completion(const Completion& completion);
  // A kind_resolved, which it owns.
  void on_resolved(const Message& message);
  // Ends all dials, and those that begin from now on: each target hears so, once.
  void drain();
  // Nothing is with the kernel.
  bool idle() const { return connecting_ == 0; }

 private:
  friend class Dial;

  // One attempt: a lookup, then its addresses one by one.
  struct Attempt final : TimerTarget {
    enum class State : std::uint8_t {
      free,
      resolving,   // the resolver will answer
      connecting,  // a connect is in flight
    };
    void on_time() override { dialer->on_connect_timeout(*this); }

    Dialer* dialer = nullptr;
    Dial* dial = nullptr;  // null: given up; waits for the connect in flight only
    std::unique_ptr<Addresses> addresses;
    std::size_t tried = 0;  // of the addresses
    std::string error;      // of the last address
    TimerNode timer;        // the bound of the connect in flight
    Fd socket = no_fd;
    std::uint32_t slot = 0;
    std::uint32_t generation = 1;
    State state = State::free;
    bool timed_out = false;
  };

  void begin(Dial& dial);
  void resolve(Attempt& attempt);
  void abandon(Dial& dial);
  void connect_next(Attempt& attempt);
  bool try_connect(Attempt& attempt, const SocketAddress& address);
  void on_connect_timeout(Attempt& attempt);
  void on_connected(Attempt& attempt);
  void fail(Attempt& attempt, const std::string& error);
  void give_up(Dial& dial);
  Attempt& take_attempt();
  void release(Attempt& attempt);

  Parts parts_;
  Prng prng_;
  std::deque<Attempt> attempts_;  // by slot; never moves them
  std::vector<std::uint32_t> free_attempts_;
  std::vector<Dial*> dials_;  // under way
  std::uint32_t connecting_ = 0;
  bool draining_ = false;
};

}  // namespace ringpost::engine
