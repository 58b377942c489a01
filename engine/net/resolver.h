#pragma once

// Resolver: the seam between names and addresses. A lookup may take seconds, so it happens on
// another thread, and its answer is a message. CaresResolver asks the network; tests answer from a
// table.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/actor/actor_ref.h"
#include "engine/actor/message.h"
#include "engine/io/io.h"

namespace ringpost::engine {

// What a lookup yielded: addresses, or why there are none. Exactly one of the two is empty.
struct Addresses final : MessageObject {
  std::vector<SocketAddress> list;  // in the order in which to try them, with the port asked for
  std::string error;                // for people; names what was looked up
};

class Resolver {
 public:
  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;

  // Looks `host` up anew, never in an earlier answer: a name, or a numeric address without
  // brackets. Does not wait. The answer is exactly one message `kind_resolved` with `token` to
  // `asker`, which holds an Addresses. It comes within a time that the resolver's options bound,
  // unless the asker's shard or the resolver ends before: then none may come.
  // Called on: any thread.
  virtual void resolve(std::string_view host, std::uint16_t port, ActorRef asker,
                       std::uint64_t token) = 0;
};

}  // namespace ringpost::engine
