// The message relay under simulation: clients that register, publish and unregister over HTTP, and
// subscribers over WebSocket. Probes in front of the exchanges see each event get its place; each
// client knows what it said and which topics it has. So it is known of every response and frame
// whether it may come, and of every event whether it must:
//   - each event is placed once, unchanged, in the order of its connection (WS-4, WS-17);
//   - a subscriber hears the events of its topics and its user in that order, once, and nothing
//     else; without a gap from the 101 on, or from the Pong behind its wish for topics (WS-14,
//     WS-24);
//   - responses come in the order of the requests, with what the request asks for (7.1, 7.2);
//   - who is removed, replaced, too far behind or wrong hears a Close that says so, and nothing
//     behind it (WS-31 to WS-35); nobody else does;
//   - in a drain everybody hears what was placed, then a Close;
//   - registrations end with their connections, or expire: none is left.

#include <algorithm>
#include <cinttypes>
#include <memory>
#include <utility>
#include <vector>

#include "engine/net/connection_observer.h"
#include "protocols/relay/branch.h"
#include "protocols/relay/exchange.h"
#include "protocols/relay/messages.h"
#include "protocols/relay/registry.h"
#include "protocols/relay/server.h"
#include "tests/sim/message_relay_client.h"
#include "tests/sim/scenario.h"

namespace ringpost::sim {
namespace {

using engine::Actor;
using engine::ActorRef;
using engine::Bytes;
using engine::CloseReason;
using engine::Fd;
using engine::Message;
using engine::nanos_per_ms;
using engine::nanos_per_s;
using engine::Shard;

constexpr std::uint32_t slot_registry = Shard::slot_actor_first;
constexpr std::uint32_t slot_exchange = slot_registry + 1;
constexpr std::uint32_t slot_branch = slot_exchange + 1;

class MessageRelayScenario;

// Stands where an exchange or a branch is expected, sees first what it sees.
class EventProbe final : public Actor {
 public:
  EventProbe(MessageRelayScenario& scenario, std::uint32_t shard, std::unique_ptr<Actor> inner)
      : scenario_(scenario), shard_(shard), inner_(std::move(inner)) {}
  void receive(std::span<const Message> run) override;

 private:
  MessageRelayScenario& scenario_;
  const std::uint32_t shard_;
  std::unique_ptr<Actor> inner_;
};

class ShardObserver final : public engine::ConnectionObserver {
 public:
  ShardObserver(MessageRelayScenario& scenario, std::uint32_t shard)
      : scenario_(scenario), shard_(shard) {}
  void on_opened(Fd socket, const engine::Service&) override;
  void on_closed(Fd socket, const engine::Service&, CloseReason reason) override;

 private:
  MessageRelayScenario& scenario_;
  const std::uint32_t shard_;
};

class SeededIds final : public relay::ClientIdSource {
 public:
  explicit SeededIds(std::uint64_t seed) : prng_(seed) {}
  relay::ClientId next() override {
    std::array<std::uint8_t, 16> bytes;
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(prng_.below(256));
    return relay::ClientId(bytes);
  }

 private:
  engine::Prng prng_;
};

class FixedWallClock final : public http::WallClock {
 public:
  engine::Nanos unix_nanos() const override { return 784'111'777 * nanos_per_s; }
};

class MessageRelayScenario final : public Scenario, public SimTarget {
 public:
  explicit MessageRelayScenario(const ScenarioOptions& options);

  void on_run(std::span<const Message> run, std::uint32_t shard);
  MessageRelayClient& client_at(Fd socket) const;

 private:
  void wire(Shard& shard) override;
  std::unique_ptr<ScenarioClient> make_client(std::uint32_t number) override {
    return std::make_unique<MessageRelayClient>(*this, setting_, ledger_, number);
  }
  void on_healed() override;
  void on_event(std::uint32_t, std::uint64_t) override { was_quiet_ = true; }
  bool is_content() const override { return was_quiet_; }
  bool is_at_rest() const override;
  std::string describe_others() const override;
  void check_end(const engine::Counters& counters) override;

  void on_placed(const Message& message, std::uint32_t shard);
  std::size_t registration_count() const;

  MessageRelaySetting setting_;
  relay::RegistryOptions registry_;
  relay::ServerOptions server_;
  bool has_pings_;
  MessageRelayLedger ledger_;
  FixedWallClock clock_;
  bool was_quiet_ = false;                                 // for some time after the healing
  std::vector<std::unique_ptr<SeededIds>> ids_;            // by shard
  std::vector<std::unique_ptr<ShardObserver>> observers_;  // by shard
  std::vector<const relay::Registry*> registries_;         // by shard; the shards own them
};

// --- What the probes see -------------------------------------------------------------------------

void EventProbe::receive(std::span<const Message> run) {
  scenario_.on_run(run, shard_);
  inner_->receive(run);
}

void ShardObserver::on_opened(Fd socket, const engine::Service&) {
  scenario_.client_at(socket).on_opened(shard_);
}

void ShardObserver::on_closed(Fd socket, const engine::Service&, CloseReason reason) {
  scenario_.client_at(socket).on_server_closed(reason);
}

MessageRelayClient& MessageRelayScenario::client_at(Fd socket) const {
  auto& scenario = const_cast<MessageRelayScenario&>(*this);
  const EndpointId theirs = scenario.world().network().endpoint_of(socket) ^ 1u;
  for (const auto& client : clients()) {
    if (client->endpoint() == theirs) return static_cast<MessageRelayClient&>(*client);
  }
  sim_fail("a connection of nobody");
}

Bytes topic_of(const Message& event) {
  return event.payload_bytes().substr(0, relay::event_head_of(event).topic_bytes);
}

Bytes frame_of(const Message& event) {
  return event.payload_bytes().substr(relay::event_head_of(event).topic_bytes);
}

Bytes text_of(Bytes frame) {
  const std::size_t header = frame.size() < 2 + 126 ? 2 : frame.size() < 4 + 65536 ? 4 : 10;
  return frame.substr(header);
}

void MessageRelayScenario::on_placed(const Message& message, std::uint32_t shard) {
  const relay::EventHead head = relay::event_head_of(message);
  MessageRelayLedger::Event seen;
  seen.user = head.user;
  seen.for_user = head.for_user;
  ledger_.place(topic_of(message), text_of(frame_of(message)), shard, seen);
}

void MessageRelayScenario::on_run(std::span<const Message> run, std::uint32_t shard) {
  std::vector<MessageRelayClient::Reached> reached;
  for (const Message& message : run) {
    if (message.kind == relay::kind_publish) on_placed(message, shard);
    if (message.kind != relay::kind_event) continue;
    const Bytes frame = frame_of(message);
    reached.push_back({ledger_.find(text_of(frame)), frame.size()});
    SIM_CHECK(reached.back().event != nullptr, "a branch gets an event of nobody");
  }
  if (reached.empty()) return;
  for (const auto& client : clients()) {
    auto& own = static_cast<MessageRelayClient&>(*client);
    if (own.shard() == shard) own.on_branch_run(reached);
  }
}

// --- The scenario --------------------------------------------------------------------------------

MessageRelayScenario::MessageRelayScenario(const ScenarioOptions& options)
    : Scenario("message_relay", options) {
  setting_.drops_slow = setup().one_in(2);
  const std::uint64_t small = std::uint64_t{128} << setup().below(8);
  setting_.pending_bytes_max = setting_.drops_slow ? small : 64 << 20;
  setting_.may_expire = setup().one_in(3);
  const auto moment = static_cast<engine::Nanos>(1 + setup().below(500)) * nanos_per_ms;
  // The other ones, too, once nothing else happens for so long.
  setting_.unused_timeout = setting_.may_expire ? moment : 1000 * nanos_per_s;
  registry_.unused_timeout = setting_.unused_timeout;
  setting_.may_lack_room = setup().one_in(8);
  if (setting_.may_lack_room) registry_.registrations_max = 1 + setup().below(4);
  setting_.may_lack_memory = setup().one_in(8);
  has_pings_ = setup().one_in(3);
  setting_.may_time_out = is_impatient() || has_pings_;
  setting_.body_bytes_max = std::uint64_t{8192} << setup().below(3);
  setting_.frame_bytes_max = 1000;
  setting_.topics_max = 8;

  http::SessionOptions& http = server_.http;
  http.limits.body_bytes_max = setting_.body_bytes_max;
  http.replies_max = static_cast<std::uint32_t>(1) << setup().below(9);
  http.head_timeout = http.body_timeout = http.idle_timeout =
      (is_impatient() ? 1 : 100'000) * nanos_per_s;
  relay::SessionOptions& session = server_.session;
  session.limits = {.frame_bytes_max = setting_.frame_bytes_max, .message_bytes_max = 4000};
  session.topics_max = setting_.topics_max;
  session.pending_bytes_max = setting_.pending_bytes_max;
  const engine::Nanos interval =
      static_cast<engine::Nanos>(50 + setup().below(2000)) * nanos_per_ms;
  session.ping_interval = has_pings_ ? interval : 100'000 * nanos_per_s;
  session.replies_max = static_cast<std::uint32_t>(1) << setup().below(9);
  const std::uint64_t little = std::uint64_t{4096} << setup().below(4);
  http.held_bytes_max = session.held_bytes_max = setting_.may_lack_memory ? little : 64 << 20;
  server_.public_url = "ws://sim.test";
  for (std::uint32_t shard = 0; shard < shard_count(); ++shard) {
    ids_.push_back(std::make_unique<SeededIds>(options.seed * 64 + shard));
    observers_.push_back(std::make_unique<ShardObserver>(*this, shard));
  }
}

void MessageRelayScenario::wire(Shard& shard) {
  const std::uint32_t self = shard.post().shard();
  const relay::Places places(shard_count(), slot_registry, slot_exchange, slot_branch);
  shard.set_observer(observers_[self].get());
  auto registry = std::make_unique<relay::Registry>(
      relay::Registry::Parts{shard.post(), shard.timers(), shard.counters(), shard.now()},
      registry_);
  registries_.push_back(registry.get());
  shard.spawn_at(slot_registry, std::move(registry));
  auto exchange = std::make_unique<relay::Exchange>(
      relay::Exchange::Parts{shard.post(), shard.timers(), shard.counters(), shard.now()},
      places.branches);
  shard.spawn_at(slot_exchange, std::make_unique<EventProbe>(*this, self, std::move(exchange)));
  auto branch = std::make_unique<relay::Branch>(places, shard.post(), shard.payloads());
  auto server = std::make_unique<relay::Server>(relay::Server::Parts{*branch, *ids_[self], clock_},
                                                places, server_);
  shard.spawn_at(slot_branch, std::make_unique<EventProbe>(*this, self, std::move(branch)));
  listen(shard, shard.add_service(std::move(server)));
}

// Some Pings to those who stay.
void MessageRelayScenario::on_healed() {
  const engine::Nanos quiet = has_pings_ ? 5 * server_.session.ping_interval : 0;
  world().context().schedule.at(world().clock().now() + quiet, *this, 0, 0);
}

std::size_t MessageRelayScenario::registration_count() const {
  std::size_t count = 0;
  for (const relay::Registry* registry : registries_) count += registry->size();
  return count;
}

bool MessageRelayScenario::is_at_rest() const { return registration_count() == 0; }

std::string MessageRelayScenario::describe_others() const {
  return is_draining() ? ""
                       : "  " + std::to_string(registration_count()) + " registrations are left\n";
}

void MessageRelayScenario::check_end(const engine::Counters& counters) {
  const auto count = [&](CloseReason reason) {
    return counters.closed[static_cast<std::size_t>(reason)];
  };
  SIM_CHECK(setting_.drops_slow || count(CloseReason::slow_consumer) == 0,
            "%" PRIu64 " were dropped as slow", count(CloseReason::slow_consumer));
  SIM_CHECK(setting_.may_lack_room || counters.limit_registrations == 0,
            "%" PRIu64 " registrations found no room", counters.limit_registrations);
  for (const std::string& id : ledger_.ids()) {
    const MessageRelayLedger::Registration& registration = ledger_.registration(id);
    const bool is_contested = registration.removals == 0 && !setting_.may_expire;
    SIM_CHECK(!is_contested || registration.evictions == 0 ||
                  registration.evictions < registration.claims,
              "%zu connections by an id were sent away, of %zu", registration.evictions,
              registration.claims);
  }
}

}  // namespace

ScenarioResult run_message_relay(const ScenarioOptions& options) {
  return MessageRelayScenario(options).run();
}

}  // namespace ringpost::sim
