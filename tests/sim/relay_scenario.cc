// The relay under simulation: clients on one side, on the other an upstream that refuses, is
// silent, comes back, stops reading, half-closes, resets and closes. Both ends of each pair are
// simulated, and which two belong together is known from inside, so that every byte is predicted:
//   - each end hears what the other one said, unchanged and in order, and nothing else;
//   - it hears the end of the stream only behind all of it: what was cut never looks complete;
//   - a half-close leaves the other direction alone;
//   - nobody is reset unless the other side broke, and then behind all that had come from there;
//   - a direction holds at most two blocks;
//   - whoever waits for the upstream is served once it is there; who leaves meanwhile leaves
//     nothing behind; in a drain all that was taken is passed on.

#include <algorithm>
#include <cinttypes>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/net/connection_observer.h"
#include "engine/net/resolver.h"
#include "protocols/tcp/relay.h"
#include "tests/sim/scenario.h"

namespace ringpost::sim {
namespace {

using engine::ActorRef;
using engine::CloseReason;
using engine::Fd;
using engine::Message;
using engine::nanos_per_ms;
using engine::nanos_per_s;
using engine::Shard;

class RelayScenario;

// A client of the relay, or the upstream's end of a connection.
class RelayEnd final : public ScenarioClient {
 public:
  enum class Side : std::uint8_t { client, upstream };

  RelayEnd(RelayScenario& scenario, std::uint32_t number, Side side);

  void say_last_words() override;
  bool is_content() const override;
  std::string describe() const override;

  void on_paired(RelayEnd& other) { other_ = &other; }
  bool is_paired() const { return other_ != nullptr; }
  // The relay is through with the connection.
  void on_relay_closed(CloseReason reason);

 private:
  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int error) override;
  bool on_step() override;

  void say() override;
  void leave() override;
  EndpointId relay_end() const { return endpoint() ^ 1u; }
  bool has_ended_stream() const { return is_half_closed() || has_left_; }
  bool was_broken() const;
  void check_blocks() const;
  void check_held(const RelayEnd& source, const RelayEnd& target) const;

  RelayScenario& scenario_;
  const Side side_;
  RelayEnd* other_ = nullptr;
  std::string said_;
  std::size_t heard_ = 0;
  bool has_left_ = false;  // closed, and the peer is told of an orderly end
};

// Answers after a while: with the upstream's address, with one that is dead in front of it, or
// with an error.
class LateResolver final : public engine::Resolver, public SimTarget {
 public:
  explicit LateResolver(RelayScenario& scenario) : scenario_(scenario) {}
  void resolve(std::string_view host, std::uint16_t port, ActorRef asker,
               std::uint64_t token) override;

 private:
  struct Question {
    std::uint16_t port;
    ActorRef asker;
    std::uint64_t token;
  };
  void on_event(std::uint32_t what, std::uint64_t index) override;

  RelayScenario& scenario_;
  std::vector<Question> questions_;
};

class RelayScenario final : public Scenario,
                            public engine::ConnectionObserver,
                            public SimAcceptor,
                            public SimTarget {
 public:
  explicit RelayScenario(const ScenarioOptions& options);

  std::uint32_t block_bytes_max() const { return relay_.block_bytes_max; }
  // Nobody breaks a connection on purpose.
  bool is_peaceful() const { return is_peaceful_; }
  // The client whose connection opens now gets that relay.
  void on_relay(const tcp::Relay& relay) { clients_of_[&relay] = opening_; }
  void on_unserved() { were_some_unserved_ = true; }
  void answer(ActorRef asker, std::uint64_t token, std::unique_ptr<engine::Addresses> addresses);

 private:
  void wire(Shard& shard) override;
  std::unique_ptr<ScenarioClient> make_client(std::uint32_t number) override {
    return std::make_unique<RelayEnd>(*this, number, RelayEnd::Side::client);
  }
  void on_healed() override;
  bool are_others_gone() const override;
  std::string describe_others() const override;
  void check_end(const engine::Counters& counters) override;

  void on_opened(Fd socket, const engine::Service& service) override;
  void on_closed(Fd socket, const engine::Service& service, CloseReason reason) override;
  RelayEnd& end_at(Fd socket) const;

  Answer on_syn() override { return world().context().is_healed ? Answer::accepts : weather_; }
  void on_connection(EndpointId id) override;
  void on_event(std::uint32_t what, std::uint64_t argument) override;

  tcp::RelayOptions relay_;
  bool is_peaceful_;
  bool were_some_unserved_ = false;
  Answer weather_ = Answer::accepts;  // of the upstream
  std::uint64_t weather_ms_max_;
  LateResolver resolver_{*this};
  std::vector<std::unique_ptr<RelayEnd>> upstreams_;
  RelayEnd* opening_ = nullptr;
  std::unordered_map<const tcp::Relay*, RelayEnd*> clients_of_;  // looked up, never walked
};

// Tells whose relay a client gets.
class ProbePool final : public engine::Service {
 public:
  ProbePool(tcp::RelayShared shared, RelayScenario& scenario)
      : scenario_(scenario), pool_(std::move(shared)) {}
  engine::Session& open() override {
    engine::Session& session = pool_.open();
    scenario_.on_relay(tcp::Relay::of(session));
    return session;
  }
  void close(engine::Session& session) override { pool_.close(session); }

 private:
  RelayScenario& scenario_;
  tcp::RelayPool pool_;
};

// --- names

void LateResolver::resolve(std::string_view, std::uint16_t port, ActorRef asker,
                           std::uint64_t token) {
  SimContext& context = scenario_.world().context();
  const std::uint64_t delay_us_max =
      context.is_healed ? 100 : std::uint64_t{1} << context.prng.below(18);
  context.schedule.at(context.clock.now() + context.draw_nanos(delay_us_max), *this, 0,
                      questions_.size());
  questions_.push_back({port, asker, token});
}

void LateResolver::on_event(std::uint32_t, std::uint64_t index) {
  constexpr std::uint16_t dead_port = 60'000;
  const Question& question = questions_[index];
  engine::Prng& prng = scenario_.world().prng();
  auto addresses = std::make_unique<engine::Addresses>();
  if (scenario_.is_talking() && prng.one_in(6)) {
    addresses->error = "no such name";
  } else {
    if (prng.one_in(4)) addresses->list.push_back(SimNetwork::address(dead_port));
    addresses->list.push_back(SimNetwork::address(question.port));
  }
  scenario_.answer(question.asker, question.token, std::move(addresses));
}

void RelayScenario::answer(ActorRef asker, std::uint64_t token,
                           std::unique_ptr<engine::Addresses> addresses) {
  Message message{};
  message.to = asker;
  message.kind = engine::kind_resolved;
  message.token = token;
  message.put_object(std::move(addresses));
  engine().tell(asker.shard(), message);
}

// --- the scenario

RelayScenario::RelayScenario(const ScenarioOptions& options) : Scenario("relay", options) {
  is_peaceful_ = setup().one_in(3);
  const bool has_name = setup().one_in(2);
  relay_.dial.endpoint.host = has_name ? "upstream.test" : "127.0.0.1";
  relay_.dial.endpoint.port = world().network().serve(*this);
  relay_.dial.connect_timeout = static_cast<engine::Nanos>(1 + setup().below(5000)) * nanos_per_ms;
  relay_.connect_wait = static_cast<engine::Nanos>(1 + setup().below(3000)) * nanos_per_ms;
  if (!is_impatient()) relay_.connect_wait = 100'000 * nanos_per_s;
  relay_.block_bytes_max = static_cast<std::uint32_t>(2048) << setup().below(7);
  weather_ms_max_ = std::uint64_t{1} << setup().below(11);
  const bool is_fair = setup().one_in(3);
  shard_options().resolver = &resolver_;
  shard_options().seed = options.seed;
  if (!is_fair) on_event(0, 0);
}

void RelayScenario::on_event(std::uint32_t, std::uint64_t) {
  if (world().context().is_healed) return;
  engine::Prng& prng = world().prng();
  weather_ = prng.one_in(2) ? Answer::accepts : prng.one_in(2) ? Answer::refuses : Answer::silent;
  world().trace().note("weather", static_cast<std::uint64_t>(weather_));
  SimContext& context = world().context();
  context.schedule.at(context.clock.now() + context.draw_nanos(weather_ms_max_ * 1000), *this, 0,
                      0);
}

void RelayScenario::wire(Shard& shard) {
  shard.set_observer(this);
  const tcp::RelayShared shared{.options = relay_, .dialer = shard.dialer()};
  listen(shard, shard.add_service(std::make_unique<ProbePool>(shared, *this)));
}

void RelayScenario::on_connection(EndpointId id) {
  const auto number = static_cast<std::uint32_t>(1000 + upstreams_.size());
  upstreams_.push_back(std::make_unique<RelayEnd>(*this, number, RelayEnd::Side::upstream));
  RelayEnd& upstream = *upstreams_.back();
  upstream.set_pace(world().context().is_healed ? SimPace{} : SimPace::draw(world().prng()));
  upstream.adopt(id);
  if (!is_talking()) upstream.say_last_words();
}

RelayEnd& RelayScenario::end_at(Fd socket) const {
  auto& scenario = const_cast<RelayScenario&>(*this);
  const EndpointId theirs = scenario.world().network().endpoint_of(socket) ^ 1u;
  for (const auto& client : clients()) {
    if (client->endpoint() == theirs) return static_cast<RelayEnd&>(*client);
  }
  for (const auto& upstream : upstreams_) {
    if (upstream->endpoint() == theirs) return *upstream;
  }
  sim_fail("a connection of nobody");
}

void RelayScenario::on_opened(Fd socket, const engine::Service& service) {
  RelayEnd& end = end_at(socket);
  const auto* relay = dynamic_cast<const tcp::Relay*>(&service);
  if (relay == nullptr) {
    opening_ = &end;
    return;
  }
  RelayEnd& client = *clients_of_.at(relay);
  client.on_paired(end);
  end.on_paired(client);
}

void RelayScenario::on_closed(Fd socket, const engine::Service&, CloseReason reason) {
  end_at(socket).on_relay_closed(reason);
}

void RelayScenario::on_healed() {
  for (const auto& upstream : upstreams_) {
    upstream->set_pace({});
    if (!upstream->is_over()) upstream->say_last_words();
  }
}

bool RelayScenario::are_others_gone() const {
  return std::all_of(upstreams_.begin(), upstreams_.end(),
                     [](const auto& upstream) { return upstream->is_over(); });
}

std::string RelayScenario::describe_others() const {
  std::string text;
  for (const auto& upstream : upstreams_) {
    if (upstream->is_over()) continue;
    text += "  upstream " + std::to_string(upstream->number()) + ", " +
            std::to_string(upstream->unsent_bytes()) + " bytes unsent: " + upstream->describe() +
            '\n';
  }
  return text;
}

void RelayScenario::check_end(const engine::Counters& counters) {
  const auto count = [&](CloseReason reason) {
    return counters.closed[static_cast<std::size_t>(reason)];
  };
  const std::uint64_t orderly =
      count(CloseReason::peer_closed) + count(CloseReason::drain) + count(CloseReason::refused);
  if (!is_orderly() || were_some_unserved_ || orderly != counters.opened) return;
  SIM_CHECK(counters.received_bytes == counters.sent_bytes,
            "%" PRIu64 " bytes were taken and %" PRIu64 " passed on, though nothing broke",
            counters.received_bytes, counters.sent_bytes);
}

// --- one end

constexpr std::initializer_list<Habit> peaceful_habits = {Habit::talks, Habit::silent,
                                                          Habit::stops_reading, Habit::half_closes};
constexpr std::initializer_list<Habit> habits = {Habit::talks,         Habit::silent,
                                                 Habit::stops_reading, Habit::half_closes,
                                                 Habit::resets,        Habit::closes};

RelayEnd::RelayEnd(RelayScenario& scenario, std::uint32_t number, Side side)
    : ScenarioClient(scenario, number, scenario.is_peaceful() ? peaceful_habits : habits,
                     {.one_in = 2, .run_max = 1, .long_run_max = 1}),
      scenario_(scenario),
      side_(side) {}

// Bytes that are different at each place, so that none can be lost or doubled unseen.
void RelayEnd::say() {
  engine::Prng& prng = world().prng();
  const std::size_t begin = said_.size();
  const std::size_t bytes = 1 + prng.below(prng.one_in(8) ? 30'000 : 300);
  std::uint64_t word = number() * 0x9e3779b97f4a7c15u;
  for (std::size_t i = 0; i < bytes; ++i) {
    if (i % 8 == 0) word = (word ^ said_.size()) * 0x9fb21c651e98df25u;
    said_.push_back(static_cast<char>(word >> (56 - 8 * (i % 8))));
  }
  send(std::string_view(said_).substr(begin));
}

bool RelayEnd::on_step() {
  check_blocks();
  if (has_seen_end() && is_half_closed()) {
    leave();
    return false;
  }
  const bool goes_on = ScenarioClient::on_step();
  if (goes_on && has_seen_end() && world().prng().one_in(16)) finish();
  return goes_on;
}

void RelayEnd::leave() {
  close();
  has_left_ = !world().network().is_reset(endpoint());
}

void RelayEnd::say_last_words() {
  if (is_finishing()) return;
  if (scenario_.is_draining()) {
    if (has_seen_end()) leave();
    return;
  }
  say();
  if (has_seen_end()) finish();
}

bool RelayEnd::is_content() const {
  if (is_finishing()) return true;
  return other_ != nullptr && heard_ == other_->said_.size() && other_->heard_ == said_.size();
}

std::string RelayEnd::describe() const {
  const std::string heard = "heard " + std::to_string(heard_);
  if (other_ == nullptr) return heard + ", alone";
  return heard + " of " + std::to_string(other_->said_.size()) + " bytes of " +
         std::to_string(other_->number()) + (has_seen_end() ? " and the end" : "") +
         (is_finishing() ? ", finishing" : "");
}

// By itself, or by the network; not by the relay.
bool RelayEnd::was_broken() const {
  const ResetCause by_relay =
      side_ == Side::client ? ResetCause::accepting_end : ResetCause::connecting_end;
  return reset_cause() != ResetCause::none && reset_cause() != by_relay;
}

// While nothing is cut off, what was read of one end and not written to the other is held.
void RelayEnd::check_blocks() const {
  if (other_ == nullptr || scenario_.is_draining() || was_broken() || other_->was_broken()) return;
  check_held(*this, *other_);
  check_held(*other_, *this);
}

void RelayEnd::check_held(const RelayEnd& source, const RelayEnd& target) const {
  const SimNetwork& network = scenario_.world().network();
  const std::uint64_t read = network.read_bytes(source.relay_end());
  const std::uint64_t written = network.written_bytes(target.relay_end());
  SIM_CHECK(read - written <= 2 * scenario_.block_bytes_max(),
            "end %u: %" PRIu64 " bytes are held for %u, blocks have %u", source.number(),
            read - written, target.number(), scenario_.block_bytes_max());
}

void RelayEnd::on_data(std::string_view bytes) {
  SIM_CHECK(other_ != nullptr, "end %u: hears %zu bytes of nobody", number(), bytes.size());
  SIM_CHECK(other_->said_.compare(heard_, bytes.size(), bytes) == 0,
            "end %u: hears something else than %u said, within %zu bytes from %zu", number(),
            other_->number(), bytes.size(), heard_);
  heard_ += bytes.size();
}

void RelayEnd::on_end() {
  const bool is_talk_over = scenario_.is_draining() || other_ == nullptr;
  if (!scenario_.is_draining() && other_ == nullptr) {
    // An attempt that the relay gave up, or no place for a client.
    SIM_CHECK(side_ == Side::upstream || scenario_.may_refuse(), "end %u: ends unserved", number());
  } else if (!scenario_.is_draining()) {
    SIM_CHECK(other_->has_ended_stream() && heard_ == other_->bytes_sent(),
              "end %u: the stream ends after %zu of the %" PRIu64 " bytes of %u%s", number(),
              heard_, other_->bytes_sent(), other_->number(),
              other_->has_ended_stream() ? "" : ", who goes on");
  }
  if (is_talk_over || is_half_closed()) return leave();
  if (!scenario_.is_talking()) finish();
}

void RelayEnd::on_broken(int) {
  if (was_broken() || !scenario_.is_orderly()) return;
  if (other_ == nullptr) {
    SIM_CHECK(side_ == Side::upstream || scenario_.may_refuse() || scenario_.is_draining(),
              "end %u: is reset unserved", number());
    return;
  }
  SIM_CHECK(other_->was_broken(), "end %u: is reset, and nobody broke %u", number(),
            other_->number());
}

void RelayEnd::on_relay_closed(CloseReason reason) {
  const SimNetwork& network = scenario_.world().network();
  switch (reason) {
    case CloseReason::peer_closed:
      SIM_CHECK(has_ended_stream() && other_->has_ended_stream(), "end %u: is not over", number());
      return;
    case CloseReason::reset:
      SIM_CHECK(was_broken(), "end %u: is lost, and nobody broke it", number());
      return;
    case CloseReason::other_side:
      SIM_CHECK(other_->was_broken(), "end %u: the other side is well", number());
      // What came in front of the break was passed on, unless this end sends too much meanwhile.
      SIM_CHECK(scenario_.is_impatient() ||
                    network.written_bytes(relay_end()) == network.read_bytes(other_->relay_end()),
                "end %u: gets %" PRIu64 " of the %" PRIu64 " bytes that came before the break",
                number(), network.written_bytes(relay_end()),
                network.read_bytes(other_->relay_end()));
      return;
    case CloseReason::upstream_failed:
      SIM_CHECK(scenario_.is_impatient() && other_ == nullptr, "end %u: is sent away", number());
      return;
    case CloseReason::drain:
      SIM_CHECK(scenario_.is_draining(), "end %u: there is no drain", number());
      if (other_ == nullptr) scenario_.on_unserved();
      return;
    case CloseReason::linger_timeout:
      SIM_CHECK(!scenario_.is_orderly(), "end %u: nobody was impatient", number());
      return;
    default:
      sim_fail("end %u: ends as %s", number(), std::string(to_text(reason)).c_str());
  }
}

}  // namespace

ScenarioResult run_relay(const ScenarioOptions& options) { return RelayScenario(options).run(); }

}  // namespace ringpost::sim
