#pragma once

// Actor: state that one shard owns and messages change: an order book, a room. It runs on its
// shard's thread only, one run of messages at a time, and never waits.

#include <span>

#include "engine/actor/message.h"

namespace ringpost::engine {

class Actor {
 public:
  virtual ~Actor() = default;

  // Messages that came one behind the other for this actor, oldest first. The actor owns what they
  // hold: it takes each payload or releases it. The span is valid until the call returns; new
  // messages go out through the shard's Post.
  virtual void receive(std::span<const Message> run) = 0;
};

}  // namespace ringpost::engine
