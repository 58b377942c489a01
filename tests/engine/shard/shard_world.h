#pragma once

// ShardWorld: a few shards over FakeIos and one clock, stepped by hand in any order.

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/shard/shard.h"
#include "tests/engine/net/fake_io.h"
#include "tests/engine/net/net_world.h"

namespace ringpost::engine {

class TestClock final : public Clock {
 public:
  Nanos now() const override { return value; }
  Nanos value = nanos_per_s;
};

// Keeps what it receives, and answers as it is told to.
class TestActor final : public Actor {
 public:
  void receive(std::span<const Message> run) override {
    runs.push_back(run.size());
    for (const Message& message : run) {
      got.push_back(message);
      if (message.holds == Holds::payload) texts.emplace_back(message.payload_bytes());
      dispose(message, [](int) {});
      if (when_message) when_message(message);
    }
  }

  std::vector<std::size_t> runs;
  std::vector<Message> got;
  std::vector<std::string> texts;
  std::function<void(const Message&)> when_message;
};

struct ShardWorldOptions {
  std::uint32_t shard_count = 2;
  std::size_t lane_capacity = 64;
  ShardOptions shard;
  bool balance = false;  // else each shard serves what it accepts
};

class ShardWorld {
 public:
  static constexpr std::uint32_t slot_actor = 5;  // each shard has a TestActor there
  static constexpr Fd listening = 3;              // of each shard that listens

  explicit ShardWorld(const ShardWorldOptions& options = {})
      : mesh(options.shard_count, options.lane_capacity) {
    for (std::uint32_t i = 0; i < options.shard_count; ++i) {
      Place& place = places_.emplace_back();
      ShardOptions shard = options.shard;
      shard.index = i;
      shard.balance = options.balance;
      place.io.options.complete_cancels = true;
      place.shard = std::make_unique<Shard>(shard, place.io, place.kernel_owned, clock, mesh);
      auto service = std::make_unique<LineService>();
      place.service = service.get();
      place.shard->add_service(std::move(service));
      auto actor = std::make_unique<TestActor>();
      place.actor = actor.get();
      place.shard->spawn_at(slot_actor, std::move(actor));
    }
  }
  ~ShardWorld() {
    if (!torn_down_) end();
    for (Place& place : places_) place.shard.reset();
  }

  // Ends whatever a test left, tears the shards down, and looks that nothing stays held.
  void end() {
    for (std::uint32_t i = 0; i < count(); ++i) {
      io(i).options.complete_sends = true;
      signal(i, kind_drain_skip);
    }
    for (int i = 0; i < 200 && !all_ended(); ++i) step_all();
    EXPECT_TRUE(all_ended());
    for (Place& place : places_) {
      for (const LineSession& session : place.service->sessions) EXPECT_TRUE(session.closed());
    }
    for (Place& place : places_) place.shard->teardown();
    torn_down_ = true;
    for (Place& place : places_) {
      EXPECT_EQ(place.io.buffers_out(), 0u);
      EXPECT_EQ(place.kernel_owned.count(), 0u);
      EXPECT_EQ(place.shard->buffers().taken_bytes(), 0u);
    }
  }

  std::uint32_t count() const { return static_cast<std::uint32_t>(places_.size()); }
  Shard& shard(std::uint32_t i) { return *places_[i].shard; }
  FakeIo& io(std::uint32_t i) { return places_[i].io; }
  LineService& service(std::uint32_t i) { return *places_[i].service; }
  TestActor& actor(std::uint32_t i) { return *places_[i].actor; }
  static ActorRef actor_ref(std::uint32_t i) { return ActorRef::actor(i, slot_actor, 1); }

  void listen(std::uint32_t i = 0) { shard(i).listen(listening, 0); }
  // A client of shard i. Requires: no balance.
  LineSession& open(std::uint32_t i, Fd socket) {
    if (!io(i).in_flight(OpKind::accept, listening)) listen(i);
    io(i).accepted(listening, socket);
    step(i);
    return service(i).sessions.back();
  }
  void signal(std::uint32_t i, std::uint16_t kind) {
    Message message{};
    message.to = Shard::ref_of(i);
    message.kind = kind;
    mesh.inbox(i).push(message);
  }
  void signal_all(std::uint16_t kind) {
    for (std::uint32_t i = 0; i < count(); ++i) signal(i, kind);
  }

  void step(std::uint32_t i) {
    if (!ended(i)) places_[i].ended = !shard(i).turn();
  }
  void step_all(int rounds = 1) {
    for (int round = 0; round < rounds; ++round) {
      for (std::uint32_t i = 0; i < count(); ++i) step(i);
    }
  }
  void pass_time(Nanos nanos) {
    clock.value += nanos;
    step_all();
  }
  bool ended(std::uint32_t i) const { return places_[i].ended; }
  bool all_ended() const {
    for (const Place& place : places_) {
      if (!place.ended) return false;
    }
    return true;
  }

  TestClock clock;
  Mesh mesh;

 private:
  struct Place {
    KernelOwned kernel_owned;
    FakeIo io{kernel_owned};
    std::unique_ptr<Shard> shard;
    LineService* service = nullptr;
    TestActor* actor = nullptr;
    bool ended = false;
  };

  std::deque<Place> places_;
  bool torn_down_ = false;
};

}  // namespace ringpost::engine
