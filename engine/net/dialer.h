#pragma once

// Dialer: outgoing connections of one shard, on behalf of its Dials. What the kernel or the
// resolver still has to do with an attempt belongs to the Dialer, and outlives the Dial that began
// it.
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
#include "engine/net/connections.h"
#include "engine/net/dial.h"
#include "engine/net/resolver.h"

namespace ringpost::engine {

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
