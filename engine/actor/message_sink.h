#pragma once

// MessageSink: how a thread that is not a shard sends a message to one.

#include "engine/actor/message.h"

namespace ringpost::engine {

class MessageSink {
 public:
  // Takes over what the message holds, delivers it to the shard of `to` and wakes that.
  // Called on: any thread.
  virtual void post(const Message& message) = 0;

 protected:
  ~MessageSink() = default;
};

}  // namespace ringpost::engine
