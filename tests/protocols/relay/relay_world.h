#pragma once

// RelayWorld: the message relay on some shards, without engine and kernel: each shard's actors,
// handlers and sessions, and messages between them that are delivered one by one, in any order that
// keeps the order of each pair of shards, as a seed says.

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/prng.h"
#include "engine/base/timer_wheel.h"
#include "protocols/relay/branch.h"
#include "protocols/relay/exchange.h"
#include "protocols/relay/registry.h"
#include "protocols/relay/server.h"
#include "protocols/websocket/writer.h"
#include "tests/engine/net/test_link.h"
#include "tests/protocols/websocket/model.h"

namespace ringpost::relay {

using engine::ActorRef;
using engine::CloseReason;
using engine::Message;

struct WorldOptions {
  std::uint32_t shards = 2;
  http::SessionOptions http;
  RegistryOptions registry;
  SessionOptions session;
  FrameCompressorOptions compressor;
};

class RelayWorld {
 public:
  enum Slot : std::uint32_t { slot_shard, slot_registry, slot_exchange, slot_branch };

  class FixedClock final : public http::WallClock {
   public:
    engine::Nanos unix_nanos() const override { return 784111777 * engine::nanos_per_s; }
  };
  class Ids final : public ClientIdSource {
   public:
    explicit Ids(std::uint64_t seed) : prng_(seed) {}
    ClientId next() override {
      std::array<std::uint8_t, 16> bytes;
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(prng_.below(256));
      return ClientId(bytes);
    }

   private:
    engine::Prng prng_;
  };

  struct Shard {
    Shard(const WorldOptions& options, std::uint32_t index, const Places& places)
        : net(index, options.shards),
          timers(net.now),
          registry({net.post, timers, net.counters, net.now}, options.registry),
          exchange({net.post, timers, net.counters, net.now}, places.branches),
          branch(places, net.post, net.payloads, options.compressor),
          ids(index + 1),
          server({branch, ids, clock}, places, server_options(options)) {}
    static ServerOptions server_options(const WorldOptions& options) {
      return {
          .http = options.http, .session = options.session, .public_url = "ws://127.0.0.1:8000"};
    }

    engine::LinkWorld net;
    engine::TimerWheel timers;
    Registry registry;
    Exchange exchange;
    Branch branch;
    Ids ids;
    FixedClock clock;
    Server server;
  };

  // One connection, and what its peer sees.
  class Client {
   public:
    Client(RelayWorld& world, std::uint32_t shard, std::uint32_t slot)
        : home_(world.shard(shard)),
          slot_(slot),
          owner_(&home_.server),
          session_(&home_.server.open()),
          link(home_.net, ActorRef::session(shard, slot, 1)) {
      session_->on_open(link);
    }
    ~Client() { close(); }
    Client(const Client&) = delete;

    // Bytes of the peer.
    void send(const std::string& bytes) {
      input_ += bytes;
      offer();
    }
    // What it got since the last time.
    std::string read() { return link.take_output(); }
    void close(CloseReason reason = CloseReason::reset) {
      if (session_ == nullptr) return;
      session_->on_closed(reason);
      owner_->close(*std::exchange(session_, nullptr));
    }
    // Nothing more comes from the peer. The session hears so once it takes input again.
    void half_close() {
      has_ended_ = true;
      offer();
    }
    void ring_if_due() {
      if (session_ == nullptr || link.timer > link.now()) return;
      link.timer = engine::never;
      session_->on_timer();
      offer();
    }
    bool is_open() const { return session_ != nullptr; }
    bool is_upgraded() const { return owner_ != &home_.server; }

    void deliver(const Message& message) {
      session_->on_messages({&message, 1});
      hand_over();
      offer();
    }
    bool is(ActorRef ref) const { return session_ != nullptr && link.self() == ref; }
    engine::Session& session() { return *session_; }

   private:
    void offer() {
      while (session_ != nullptr && !input_.empty() && !link.paused()) {
        const std::size_t used = session_->on_bytes(input_);
        input_.erase(0, used);
        if (!hand_over() && used == 0) break;
      }
      if (!has_ended_ || session_ == nullptr || link.paused()) return;
      has_ended_ = false;
      session_->on_end(std::exchange(input_, {}));
    }
    bool hand_over() {
      if (link.became == nullptr) return false;
      close(CloseReason::none);
      session_ = std::exchange(link.became, nullptr);
      owner_ = link.became_owner;
      link.set_self(ActorRef::session(link.self().shard(), slot_, link.self().generation() + 1));
      link.resume();
      session_->on_open(link);
      return true;
    }

    Shard& home_;
    std::uint32_t slot_;
    engine::Service* owner_;
    engine::Session* session_;
    std::string input_;
    bool has_ended_ = false;

   public:
    engine::TestLink link;
  };

  explicit RelayWorld(const WorldOptions& options = {}, std::uint64_t seed = 1)
      : options_(options),
        prng_(seed),
        places_(options.shards, slot_registry, slot_exchange, slot_branch) {
    for (std::uint32_t i = 0; i < options.shards; ++i) shards_.emplace_back(options, i, places_);
  }
  ~RelayWorld() {
    for (Client& client : clients_) client.close();
    settle();
  }

  Shard& shard(std::uint32_t index) { return shards_[index]; }
  std::uint32_t shard_count() const { return options_.shards; }
  Client& connect(std::uint32_t shard) { return clients_.emplace_back(*this, shard, next_slot_++); }

  // Delivers one message; false: there is none.
  bool step() {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> lanes;
    for (std::uint32_t from = 0; from < options_.shards; ++from) {
      for (std::uint32_t to = 0; to < options_.shards; ++to) {
        if (!shards_[from].net.post.queue(to).empty()) lanes.emplace_back(from, to);
      }
    }
    if (lanes.empty()) return false;
    const auto [from, to] = lanes[prng_.below(lanes.size())];
    engine::MessageQueue& queue = shards_[from].net.post.queue(to);
    const Message message = queue.items().front();
    queue.pop(1);
    deliver(shards_[to], message);
    return true;
  }
  void settle() {
    while (step()) {
    }
  }
  void pass(engine::Nanos nanos) {
    for (Shard& shard : shards_) {
      shard.net.now += nanos;
      shard.timers.advance(shard.net.now, SIZE_MAX,
                           [](engine::TimerNode& node) { node.target->on_time(); });
    }
    settle();
  }

  engine::Prng& prng() { return prng_; }

 private:
  void deliver(Shard& shard, const Message& message) {
    if (message.to.is_session()) {
      for (Client& client : clients_) {
        if (client.is(message.to)) return client.deliver(message);
      }
      return engine::dispose(message, [](int) { ASSERT(!"a descriptor"); });
    }
    switch (message.to.slot()) {
      case slot_shard:
        ASSERT(message.kind == engine::kind_sync);
        shard.net.post.answer(message, engine::kind_synced);
        return;
      case slot_registry:
        return shard.registry.receive({&message, 1});
      case slot_exchange:
        return shard.exchange.receive({&message, 1});
      case slot_branch:
        return shard.branch.receive({&message, 1});
      default:
        ASSERT(!"an actor");
    }
  }

  WorldOptions options_;
  engine::Prng prng_;
  Places places_;
  std::deque<Shard> shards_;
  std::deque<Client> clients_;
  std::uint32_t next_slot_ = 0;
};

// --- What peers say and see ----------------------------------------------------------------------

inline std::string request(const std::string& line, const std::string& body = {},
                           const std::string& type = "application/json") {
  std::string text = line + " HTTP/1.1\r\nhost: x\r\n";
  if (!body.empty()) text += "content-type: " + type + "\r\n";
  if (!body.empty()) text += "content-length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

struct Response {
  int status = 0;
  std::string head;
  std::string body;
};

// The first response of `output`, which loses it. Status 0: there is none.
inline Response take_response(std::string& output) {
  Response response;
  const std::size_t end = output.find("\r\n\r\n");
  if (end == std::string::npos) return response;
  response.head = output.substr(0, end + 2);
  response.status = std::stoi(output.substr(9, 3));
  output.erase(0, end + 4);
  const std::size_t length = response.head.find("content-length: ");
  if (length != std::string::npos) {
    const std::size_t bytes = std::stoul(response.head.substr(length + 16));
    response.body = output.substr(0, bytes);
    output.erase(0, bytes);
  }
  return response;
}

// A client's frame.
inline std::string frame(websocket::Opcode opcode, const std::string& payload, bool fin = true) {
  const websocket::Mask mask(0x04030201);
  const websocket::FrameHeader header{
      .opcode = opcode, .payload_bytes = payload.size(), .is_fin = fin, .mask = mask};
  std::string text(websocket::header_bytes(header), '\0');
  websocket::write_header(text.data(), header);
  std::string masked(payload.size(), '\0');
  websocket::unmask(masked.data(), payload, mask);
  return text + masked;
}
inline std::string text_frame(const std::string& payload) {
  return frame(websocket::Opcode::text, payload);
}

// What the frames of a server say.
inline websocket::Events frames_of(const std::string& output) {
  return websocket::fed_in({}, websocket::Role::client, {output});
}

}  // namespace ringpost::relay
