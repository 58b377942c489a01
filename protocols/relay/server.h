#pragma once

// Server: the message relay on one shard: what it answers over HTTP, and the sessions that
// connections become. The actors (registry, exchange, branch) stand beside it.

#include <string>

#include "engine/net/session.h"
#include "engine/net/session_pool.h"
#include "protocols/http/routes.h"
#include "protocols/http/session.h"
#include "protocols/relay/branch.h"
#include "protocols/relay/handlers.h"
#include "protocols/relay/json_parser.h"
#include "protocols/relay/session.h"

namespace ringpost::relay {

struct ServerOptions {
  http::SessionOptions http;  // its `fields` are ours
  SessionOptions session;
  std::string public_url;  // C9: what is before `/ws/` in the addresses that are given out
};

class Server final : public engine::Service {
 public:
  // All outlive the server.
  struct Parts {
    Branch& branch;  // of this shard
    ClientIdSource& ids;
    const http::WallClock& clock;
  };

  Server(const Parts& parts, const Places& places, const ServerOptions& options);

  engine::Session& open() override { return http_.open(); }
  void close(engine::Session& session) override { http_.close(session); }

  // Whose sessions the upgraded connections are.
  engine::Service& subscribers() { return subscribers_; }

  // What is kept from one message to the next: bounded, however large they were.
  std::size_t scratch_bytes() const {
    return json_.scratch_bytes() + session_shared_.scratch_bytes();
  }

 private:
  static http::SessionOptions with_cors(http::SessionOptions options);

  Places places_;
  JsonParser json_;
  SessionShared session_shared_;
  Upgrade::Pool subscribers_;
  Health health_;
  Page page_;
  Register register_;
  Unregister unregister_;
  Publish publish_;
  Upgrade upgrade_;
  http::Routes routes_;
  http::SessionShared http_shared_;
  engine::SessionPool<http::Session, http::SessionShared&> http_;
};

}  // namespace ringpost::relay
