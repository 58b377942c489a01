#include "tests/sim/scenario.h"

#include <algorithm>

namespace ringpost::sim {

using engine::nanos_per_ms;
using engine::nanos_per_s;

namespace {

constexpr engine::Nanos settle_time_max = 3000 * nanos_per_s;  // backlogs retry once a second
constexpr std::uint64_t settle_events_max = 4'000'000;

SimFaults draw_faults(const ScenarioOptions& options, std::uint32_t shards) {
  SimFaults faults = options.quiet ? SimFaults{} : SimFaults::draw(options.seed, shards);
  for (const auto& [name, value] : options.faults) {
    SIM_CHECK(faults.set(name, value), "there is no fault named %s", name.c_str());
  }
  return faults;
}

}  // namespace

Scenario::Scenario(std::string_view name, const ScenarioOptions& options)
    : name_(name), options_(options), setup_(options.seed ^ 0x5365'7475'7000'0000u) {
  // Every draw happens whether or not the options override it, so that they change nothing else.
  const auto shards = static_cast<std::uint32_t>(2 + setup_.below(3));
  const std::size_t lanes = setup_.one_in(2) ? 2 : std::size_t{16} << setup_.below(7);
  shard_count_ = options.shards != 0 ? options.shards : shards;
  lane_capacity_ = options.lane_capacity != 0 ? options.lane_capacity : lanes;
  is_impatient_ = setup_.one_in(4);
  drains_in_unrest_ = setup_.one_in(4);
  skips_drain_ = setup_.one_in(4);

  shard_options_.completions_per_turn = static_cast<std::uint32_t>(1) << setup_.below(9);
  shard_options_.timers_per_turn = shard_options_.completions_per_turn;
  shard_options_.lane_batch = static_cast<std::uint32_t>(1) << setup_.below(7);
  shard_options_.messages_per_turn = static_cast<std::uint32_t>(1) << (2 + setup_.below(12));
  shard_options_.spin_nanos = setup_.one_in(2) ? 50'000 : 0;
  shard_options_.balance = !setup_.one_in(4);
  if (setup_.one_in(8)) shard_options_.connections_max = 3 + setup_.below(12);
  shard_options_.drain_nanos = (is_impatient_ ? 1 : 5000) * nanos_per_s;
  engine::ConnectionLimits& limits = shard_options_.connections;
  limits.output_high_bytes = std::uint64_t{256} << setup_.below(11);
  limits.output_low_bytes = limits.output_high_bytes / (1 + setup_.below(8));
  limits.linger_nanos = (is_impatient_ ? 1 : 5000) * nanos_per_s;
  limits.linger_bytes_max = is_impatient_ ? 1000 : 1 << 30;
  limits.send_bytes_max = static_cast<std::uint32_t>(512) << setup_.below(9);
  limits.feed_ready_max = static_cast<std::uint32_t>(1) << setup_.below(9);
  limits.kept_bytes_min = static_cast<std::uint32_t>(1) << setup_.below(12);

  world_ =
      std::make_unique<SimWorld>(options.seed, shard_count_, draw_faults(options, shard_count_));
  if (options.trace) world_->trace().print_with(&world_->clock());
  report();
}

Scenario::~Scenario() { set_sim_report({}); }

void Scenario::report() const {
  set_sim_report("sim_run --scenario " + name_ + " --seed " + std::to_string(options_.seed) +
                 " --events " + std::to_string(options_.events) + " --shards " +
                 std::to_string(shard_count_) + " --lane-capacity " +
                 std::to_string(lane_capacity_) +
                 "\nfaults: " + world_->context().faults.to_text());
}

ScenarioResult Scenario::run() {
  for (std::uint32_t i = 0; i < listener_count() * sockets_per_listener(); ++i) {
    listeners_.push_back(world_->network().listen());
    ports_.push_back(world_->network().port_of(listeners_.back()));
  }
  engine_ = std::make_unique<SimEngine>(*world_, lane_capacity_, shard_options_,
                                        [this](engine::Shard& shard) { wire(shard); });
  const engine::Nanos start = world_->clock().now();
  unrest();

  phase_ = Phase::healing;
  world_->heal();
  on_healed();
  for (const auto& client : clients_) {
    client->set_pace({});
    if (!client->is_over()) client->say_last_words();
  }
  settle("everybody hears what was said", [this] {
    const bool are_clients = std::ranges::all_of(
        clients_, [](const auto& client) { return client->is_over() || client->is_content(); });
    return drain_began_ || (are_clients && is_content());
  });
  const bool are_clients_first = !drain_began_ || world_->prng().one_in(2);
  for (const auto& client : clients_) {
    if (!client->is_over() && are_clients_first) client->finish();
  }
  if (!drain_began_) {
    settle("everybody gets the answers and the end",
           [this] { return live_clients() == 0 && is_at_rest(); });
    begin_drain(engine::kind_drain);
  }
  phase_ = Phase::drain;
  settle("the shards end", [this] { return engine_->has_ended(); });
  ScenarioResult result;
  for (std::uint32_t shard = 0; shard < shard_count_; ++shard) {
    for (const std::uint64_t count : engine_->shard(shard).report().lane_sent) {
      result.lane_messages += count;
    }
  }
  result.counters = engine_->teardown();
  SIM_CHECK(world_->network().open_count() == 0, "%zu descriptors are left open",
            world_->network().open_count());
  // Sockets on their way when a drain was cut short are closed only now.
  settle("everybody sees the end", [this] { return is_everybody_gone(); });
  check_end(result.counters);
  engine_.reset();
  result.hash = world_->trace().hash();
  result.events = world_->event_count();
  result.virtual_nanos = static_cast<std::uint64_t>(world_->clock().now() - start);
  result.clients = clients_.size();
  return result;
}

void Scenario::settle(const char* what, const std::function<bool()>& done) {
  world_->run_until(what, settle_time_max, settle_events_max, done, [this] { return describe(); });
}

std::string Scenario::describe() const {
  std::string text;
  for (const auto& client : clients_) {
    if (client->is_over()) continue;
    text += "  client " + std::to_string(client->number()) +
            (client->is_connected() ? "" : " (not connected)") + ", " +
            std::to_string(client->unsent_bytes()) + " bytes unsent: " + client->describe() + '\n';
  }
  return text + describe_others();
}

void Scenario::unrest() {
  while (world_->event_count() < options_.events) {
    if (live_clients() < clients_at_a_time && world_->prng().one_in(32)) add_client();
    if (!world_->step()) add_client();
  }
  if (!drains_in_unrest_) return;
  begin_drain(engine::kind_drain);
  const std::uint64_t end = world_->event_count() + options_.events / 2;
  const std::uint64_t skip_at =
      skips_drain_ ? world_->event_count() + world_->prng().below(options_.events / 2) : end;
  while (world_->event_count() < end && !engine_->has_ended()) {
    if (world_->event_count() >= skip_at && !drain_was_skipped_) {
      drain_was_skipped_ = true;
      engine_->tell_all(engine::kind_drain_skip);
    }
    if (!world_->step()) return;
  }
}

void Scenario::listen(engine::Shard& shard, std::uint32_t service, std::uint32_t listener) {
  const std::uint32_t index = shard.post().shard();
  const std::uint32_t count = sockets_per_listener();
  if (index < count) shard.listen(listeners_[listener * count + index], service);
}

void Scenario::begin_drain(std::uint16_t kind) {
  drain_began_ = true;
  world_->trace().note("drain", kind);
  engine_->tell_all(kind);
}

void Scenario::add_client() {
  if (clients_.size() == clients_max || drain_began_) return;
  const auto number = static_cast<std::uint32_t>(clients_.size());
  clients_.push_back(make_client(number));
  clients_.back()->set_pace(SimPace::draw(world_->prng()));
  const std::uint32_t count = sockets_per_listener();
  const std::uint64_t socket = clients_.back()->listener() * count + world_->prng().below(count);
  clients_.back()->connect(ports_[socket]);
}

std::size_t Scenario::live_clients() const {
  return static_cast<std::size_t>(std::count_if(
      clients_.begin(), clients_.end(), [](const auto& client) { return !client->is_over(); }));
}

}  // namespace ringpost::sim
