#pragma once

// Relay: forwards the bytes of each client to an upstream, and back. A pair of connections of one
// shard, each of which receives block by block; a block goes out of the other connection from where
// it lies, and while it does, one more is received and none after that. So each direction holds
// back its own sender exactly, with at most two blocks, whatever the other direction does.
//
// The ends of the two directions are kept apart (half-close), and what breaks one connection is
// passed on to the other as a reset, behind what had already come: a stream that was cut must not
// look complete.
//
// A client that connects waits, its first block held, until the upstream is there: the dial tries
// again and again (see Dial) for at most `connect_wait`.
//
// Owned by: its pool. Called on: its shard only.

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "engine/net/dial.h"
#include "engine/net/session.h"

namespace ringpost::tcp {

// Hears of what a person may want to know.
class RelayObserver {
 public:
  // An attempt to reach the upstream failed; the next one is in `retry_in`.
  virtual void on_dial_failed(const std::string& error, engine::Nanos retry_in) = 0;

 protected:
  ~RelayObserver() = default;
};

struct RelayOptions {
  engine::DialOptions dial;
  engine::Nanos connect_wait = 10 * engine::nanos_per_s;  // of a client, for the upstream
  std::uint32_t block_bytes_max = 128 << 10;              // two per direction; at least 2048
};

// What the relays of one pool have in common.
struct RelayShared {
  RelayOptions options;
  engine::Dialer& dialer;
  RelayObserver* observer = nullptr;  // null: nobody
};

class RelayPool;

class Relay final : public engine::DialTarget {
 public:
  Relay(RelayPool& pool, const RelayShared& shared);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  engine::Session& client() { return client_; }
  // Whose session it is.
  static Relay& of(engine::Session& session);

  // DialTarget: the upstream is there.
  engine::Session& open() override;
  void close(engine::Session& session) override;
  void on_dial_failed(const std::string& error, engine::Nanos retry_in) override;

 private:
  // One of the two connections.
  class End final : public engine::Session {
   public:
    End(Relay& relay, End& other) : relay_(relay), other_(other) {}
    void on_open(engine::Link& link) override;
    std::size_t on_bytes(engine::Bytes bytes) override;
    void on_end(engine::Bytes rest) override;
    void on_messages(std::span<const engine::Message> run) override;
    void on_timer() override;
    void on_drained() override;
    void on_closed(engine::CloseReason reason) override;

   private:
    friend class Relay;
    Relay& relay_;
    End& other_;
    engine::Link* link_ = nullptr;  // null: not connected
    bool ended_ = false;            // its peer will send nothing more
  };

  void on_client_open();
  void on_upstream_open();
  void on_wait_over();
  void on_both_ended();

  RelayPool& pool_;
  const RelayShared& shared_;
  std::optional<engine::Dial> dial_;  // since the client connected
  End client_{*this, upstream_};
  End upstream_{*this, client_};
};

// The relays of one listening address on one shard. Keeps their memory.
class RelayPool final : public engine::Service {
 public:
  explicit RelayPool(RelayShared shared) : shared_(std::move(shared)) {}
  ~RelayPool() override;  // Requires: no connection of it is open.

  engine::Session& open() override;
  void close(engine::Session& session) override;

 private:
  friend class Relay;
  void give_back(Relay& relay) { free_.push_back(&relay); }

  RelayShared shared_;
  std::deque<Relay> relays_;  // never moves them
  std::vector<Relay*> free_;
};

}  // namespace ringpost::tcp
