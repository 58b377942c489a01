#pragma once

// ConnectionObserver: hears of each connection's beginning and end, for a log. Called on the
// connection's shard, amid its work: it must be quick, or rare.

#include "engine/io/io.h"
#include "engine/net/counters.h"

namespace ringpost::engine {

class Service;

class ConnectionObserver {
 public:
  // `service` made the session.
  virtual void on_opened(Fd socket, const Service& service) = 0;
  // The socket is still open, but perhaps no longer connected.
  virtual void on_closed(Fd socket, const Service& service, CloseReason reason) = 0;

 protected:
  ~ConnectionObserver() = default;
};

}  // namespace ringpost::engine
