#pragma once

// Registry: who may connect, and who is connected, of the ids whose home is one shard (spec 7.4).
//
// A registration that nobody connects by expires; one whose connection ends goes with it (WS-13).
// An id has one connection: whoever connects later takes the place of the one before (WS-35), and
// only the end of the one that has the place ends the registration. One that was removed between a
// claim and its connection stays removed (WS-36).
//
// Owned by: one shard. Called on: its shard only.

#include <cstdint>
#include <unordered_map>

#include "engine/actor/actor.h"
#include "engine/actor/post.h"
#include "engine/base/fifo.h"
#include "engine/base/timer_wheel.h"
#include "engine/net/counters.h"
#include "protocols/relay/client_id.h"

namespace ringpost::relay {

struct RegistryOptions {
  std::size_t registrations_max = 100'000;                   // of one shard
  engine::Nanos unused_timeout = 300 * engine::nanos_per_s;  // until somebody connects
};

class Registry final : public engine::Actor, public engine::TimerTarget {
 public:
  struct Parts {
    engine::Post& post;
    engine::TimerWheel& timers;
    engine::Counters& counters;
    const engine::Nanos& now;
  };

  Registry(const Parts& parts, const RegistryOptions& options);
  ~Registry() override;

  void receive(std::span<const engine::Message> run) override;
  std::size_t size() const { return entries_.size(); }
  // How many times of expiry are kept: at most twice as many as there were registrations at once,
  // and a few.
  std::size_t unused_size() const { return unused_.size(); }

 private:
  struct Entry {
    std::uint64_t user = 0;
    engine::ActorRef session;  // nobody: not connected
  };
  struct Unused {
    ClientId id;
    engine::Nanos expires;
  };
  using Entries = std::unordered_map<ClientId, Entry, ClientIdHash>;

  void on_register(const engine::Message& message);
  void on_unregister(const engine::Message& message);
  void on_claim(const engine::Message& message);
  void on_connected(const engine::Message& message);
  void on_disconnected(const engine::Message& message);
  void on_time() override;
  Entries::iterator find_unused(const ClientId& id);
  void forget_used();
  void dismiss(engine::ActorRef session, engine::ActorRef from);

  Parts parts_;
  RegistryOptions options_;
  Entries entries_;
  // In the order in which they expire. Some are used by now, or gone; ids do not come back.
  engine::Fifo<Unused> unused_;
  engine::TimerNode expiry_;
};

}  // namespace ringpost::relay
