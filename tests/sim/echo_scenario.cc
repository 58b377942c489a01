// The echoes under simulation, the framed one and the raw one side by side. A probe around each
// session sees what the session took; each client knows what it said. So at every end it is known
// to the byte what had to come back:
//   - each whole frame, unchanged and in order, and nothing of a frame that is not whole (FE-3,
//     FE-7); of the raw echo every byte (RL-20, RL-22);
//   - the end comes behind the last byte that is owed: at half-closes, behind a frame over the
//     limit (FE-6), when the budget is used up, and in a drain;
//   - each connection ends for a reason that its client gave, and nobody is reset (X4);
//   - a frame over the limit is told by its header alone, and the budget is empty at the end.

#include <algorithm>
#include <cinttypes>
#include <memory>
#include <utility>
#include <vector>

#include "engine/net/connection_observer.h"
#include "protocols/echo/session.h"
#include "protocols/tcp/echo_session.h"
#include "tests/sim/scenario.h"

namespace ringpost::sim {
namespace {

using engine::Bytes;
using engine::CloseReason;
using engine::Shard;

class EchoScenario;

class EchoClient final : public ScenarioClient {
 public:
  EchoClient(EchoScenario& scenario, std::uint32_t number);

  std::uint32_t listener() const override { return is_framed_ ? 0 : 1; }
  void say_last_words() override;
  bool is_content() const override;
  std::string describe() const override;

  // From the probe: its session took that many bytes in all, of `offered`.
  void on_taken(std::size_t taken, std::size_t offered);
  // No more input is offered: every whole frame must have been taken.
  void on_input_over() const;
  void on_server_closed(CloseReason reason);

 private:
  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int error) override;

  void say() override;
  void say_part() override;
  void say_too_long() override;
  bool has_said_all() const override { return is_finishing() || too_long_at_ != SIZE_MAX; }
  void say_frame();
  void say_header(std::size_t payload_bytes);
  void say_noise(std::size_t bytes);
  std::size_t draw_payload();
  std::size_t owed(std::size_t taken) const;
  bool is_refused() const;

  EchoScenario& scenario_;
  const bool is_framed_;
  std::string said_;                // all of it
  std::vector<std::size_t> whole_;  // where its frames end
  std::size_t too_long_at_ = SIZE_MAX;
  std::size_t heard_ = 0;
  std::size_t taken_ = 0;    // by the session
  std::size_t offered_ = 0;  // to it
  bool was_served_ = false;
};

// Stands between a connection and an echo's session.
template <typename Inner, typename Shared>
class ProbeSession final : public engine::Session {
 public:
  ProbeSession(Shared& shared, EchoScenario& scenario) : scenario_(scenario), inner_(shared) {}

  void on_open(engine::Link& link) override;
  std::size_t on_bytes(Bytes bytes) override {
    const std::size_t used = inner_.on_bytes(bytes);
    const std::size_t offered = taken_ + bytes.size();
    taken_ += used;
    client_->on_taken(taken_, offered);
    return used;
  }
  void on_end(Bytes rest) override {
    client_->on_taken(taken_, taken_ + rest.size());
    client_->on_input_over();
    inner_.on_end(rest);
  }
  void on_messages(std::span<const engine::Message> run) override { inner_.on_messages(run); }
  void on_timer() override { inner_.on_timer(); }
  void on_drained() override { inner_.on_drained(); }
  void on_drain() override {
    client_->on_input_over();
    inner_.on_drain();
  }
  void on_closed(CloseReason reason) override {
    inner_.on_closed(reason);
    client_->on_server_closed(reason);
  }

 private:
  EchoScenario& scenario_;
  EchoClient* client_ = nullptr;
  Inner inner_;
  std::size_t taken_ = 0;
};

// The sessions of one echo on one shard.
template <typename Inner, typename Shared>
class ProbeService final : public engine::Service {
 public:
  ProbeService(Shared shared, EchoScenario& scenario)
      : scenario_(scenario), shared_(std::move(shared)) {}
  ~ProbeService() override { check_end(shared_); }

  engine::Session& open() override {
    sessions_.push_back(std::make_unique<ProbeSession<Inner, Shared>>(shared_, scenario_));
    return *sessions_.back();
  }
  void close(engine::Session& session) override {
    std::erase_if(sessions_, [&](const auto& own) { return own.get() == &session; });
  }

 private:
  static void check_end(const echo::SessionShared& shared) {
    SIM_CHECK(shared.budget.bytes == 0, "nobody holds a frame, and %" PRIu64 " bytes are counted",
              shared.budget.bytes);
  }
  static void check_end(const tcp::EchoShared&) {}

  EchoScenario& scenario_;
  Shared shared_;
  std::vector<std::unique_ptr<ProbeSession<Inner, Shared>>> sessions_;
};

class EchoScenario final : public Scenario, public engine::ConnectionObserver {
 public:
  explicit EchoScenario(const ScenarioOptions& options) : Scenario("echo", options) {
    options_.framing.payload_bytes_max = setup().below(std::uint64_t{2} << setup().below(16));
    has_budget_ = !setup().one_in(3);
    const std::uint64_t small = setup().below(std::uint64_t{16} << (10 + setup().below(4)));
    if (!has_budget_) options_.held_bytes_max = small;
  }

  std::size_t payload_bytes_max() const { return options_.framing.payload_bytes_max; }
  // No client can use it up.
  bool has_budget() const { return has_budget_; }
  // Whose connection the one that opens now is.
  EchoClient& opening() { return *opening_; }

 private:
  void wire(Shard& shard) override;
  std::uint32_t listener_count() const override { return 2; }
  std::unique_ptr<ScenarioClient> make_client(std::uint32_t number) override {
    return std::make_unique<EchoClient>(*this, number);
  }
  void check_end(const engine::Counters& counters) override;

  void on_opened(engine::Fd socket, const engine::Service&) override {
    const EndpointId theirs = world().network().endpoint_of(socket) ^ 1u;
    const auto at = std::find_if(clients().begin(), clients().end(),
                                 [&](const auto& client) { return client->endpoint() == theirs; });
    SIM_CHECK(at != clients().end(), "a connection of nobody");
    opening_ = static_cast<EchoClient*>(at->get());
  }
  void on_closed(engine::Fd, const engine::Service&, CloseReason) override {}

  echo::SessionOptions options_;
  bool has_budget_;
  EchoClient* opening_ = nullptr;
};

template <typename Inner, typename Shared>
void ProbeSession<Inner, Shared>::on_open(engine::Link& link) {
  client_ = &scenario_.opening();
  inner_.on_open(link);
}

// --- the scenario

void EchoScenario::wire(Shard& shard) {
  shard.set_observer(this);
  using Frames = ProbeService<echo::Session, echo::SessionShared>;
  using Raw = ProbeService<tcp::EchoSession, tcp::EchoShared>;
  const std::uint32_t frames =
      shard.add_service(std::make_unique<Frames>(echo::SessionShared(options_), *this));
  const std::uint32_t raw = shard.add_service(std::make_unique<Raw>(tcp::EchoShared(), *this));
  listen(shard, frames, 0);
  listen(shard, raw, 1);
}

void EchoScenario::check_end(const engine::Counters& counters) {
  const auto count = [&](CloseReason reason) {
    return counters.closed[static_cast<std::size_t>(reason)];
  };
  // Who ended for a limit may have been lost before the goodbye was through.
  SIM_CHECK(count(CloseReason::protocol_error) <= counters.limit_frame_too_long,
            "%" PRIu64 " protocol errors, %" PRIu64 " were counted",
            count(CloseReason::protocol_error), counters.limit_frame_too_long);
  SIM_CHECK(count(CloseReason::over_budget) <= counters.limit_held_frames,
            "%" PRIu64 " over budget, %" PRIu64 " were counted", count(CloseReason::over_budget),
            counters.limit_held_frames);
  SIM_CHECK(!has_budget_ || counters.limit_held_frames == 0,
            "%" PRIu64 " frames were given up although there was room", counters.limit_held_frames);
}

// --- a client

EchoClient::EchoClient(EchoScenario& scenario, std::uint32_t number)
    : ScenarioClient(
          scenario, number,
          {Habit::talks, Habit::stops_reading, Habit::half_closes, Habit::ends_inside_a_message,
           Habit::says_too_long, Habit::resets, Habit::closes}),
      scenario_(scenario),
      is_framed_(!scenario.world().prng().one_in(3)) {}

// Bytes that are different at each place, so that none can be lost or doubled unseen.
void EchoClient::say_noise(std::size_t bytes) {
  const std::size_t begin = said_.size();
  std::uint64_t word = number() * 0x9e3779b97f4a7c15u;
  for (std::size_t i = 0; i < bytes; ++i) {
    if (i % 8 == 0) word = (word ^ said_.size()) * 0x9fb21c651e98df25u;
    said_.push_back(static_cast<char>(word >> (56 - 8 * (i % 8))));
  }
  send(std::string_view(said_).substr(begin));
}

void EchoClient::say_header(std::size_t payload_bytes) {
  const std::size_t begin = said_.size();
  for (int shift = 24; shift >= 0; shift -= 8) {
    said_.push_back(static_cast<char>(payload_bytes >> shift));
  }
  send(std::string_view(said_).substr(begin));
}

std::size_t EchoClient::draw_payload() {
  engine::Prng& prng = world().prng();
  const std::size_t limit = scenario_.payload_bytes_max();
  if (prng.one_in(8)) return 0;
  if (prng.one_in(16)) return limit;
  return prng.below(std::min<std::size_t>(limit, prng.one_in(8) ? 20'000 : 200) + 1);
}

void EchoClient::say_frame() {
  const std::size_t payload = draw_payload();
  say_header(payload);
  say_noise(payload);
  whole_.push_back(said_.size());
}

void EchoClient::say() {
  if (is_framed_) return say_frame();
  say_noise(1 + world().prng().below(world().prng().one_in(8) ? 20'000 : 200));
}

void EchoClient::say_part() {
  const std::size_t payload = 1 + scenario_.payload_bytes_max() / 2;
  if (!is_framed_ || payload > scenario_.payload_bytes_max()) return;
  say_header(payload);
  say_noise(world().prng().below(payload));
}

void EchoClient::say_too_long() {
  if (!is_framed_) return;
  engine::Prng& prng = world().prng();
  const std::size_t limit = scenario_.payload_bytes_max();
  too_long_at_ = said_.size();
  say_header(prng.one_in(2) ? limit + 1 : UINT32_MAX - prng.below(100));
  say_noise(prng.below(3000));
}

void EchoClient::say_last_words() {
  if (has_said_all() || scenario_.is_draining()) return;
  say();
  if (habit() == Habit::says_too_long) say_too_long();
}

// Who said too much waits for the end instead.
bool EchoClient::is_content() const {
  if (is_finishing()) return true;
  return too_long_at_ == SIZE_MAX && heard_ == said_.size();
}

std::string EchoClient::describe() const {
  return std::string(is_framed_ ? "framed" : "raw") + ", heard " + std::to_string(heard_) + " of " +
         std::to_string(said_.size()) + ", of which " + std::to_string(taken_) + " were taken" +
         (too_long_at_ == SIZE_MAX ? "" : ", too long at " + std::to_string(too_long_at_));
}

// What must come back once that much was taken.
std::size_t EchoClient::owed(std::size_t taken) const {
  if (!is_framed_) return taken;
  const auto behind = std::upper_bound(whole_.begin(), whole_.end(), taken);
  return behind == whole_.begin() ? 0 : *std::prev(behind);
}

void EchoClient::on_taken(std::size_t taken, std::size_t offered) {
  was_served_ = true;
  taken_ = taken;
  offered_ = offered;
  SIM_CHECK(taken <= too_long_at_, "client %u: a frame over the limit is read", number());
}

void EchoClient::on_input_over() const {
  SIM_CHECK(owed(offered_) == owed(taken_), "client %u: the frame that ends at %zu is not read",
            number(), owed(offered_));
}

void EchoClient::on_server_closed(CloseReason reason) {
  switch (reason) {
    case CloseReason::peer_closed:
      SIM_CHECK(is_finishing() || was_cut(), "client %u: its end was not its own", number());
      return;
    case CloseReason::reset:
      SIM_CHECK(reset_cause() == ResetCause::connecting_end || reset_cause() == ResetCause::path,
                "client %u: is lost, and nobody broke the connection", number());
      return;
    case CloseReason::protocol_error:
      SIM_CHECK(taken_ == too_long_at_, "client %u: an error, and no frame is too long", number());
      return;
    case CloseReason::over_budget:
      SIM_CHECK(!scenario_.has_budget() && is_framed_, "client %u: over no budget", number());
      return;
    case CloseReason::drain:
      SIM_CHECK(scenario_.is_draining(), "client %u: there is no drain", number());
      return;
    case CloseReason::linger_timeout:
      SIM_CHECK(!scenario_.is_orderly(), "client %u: nobody was impatient", number());
      return;
    default:
      sim_fail("client %u: ends as %s", number(), std::string(to_text(reason)).c_str());
  }
}

void EchoClient::on_data(std::string_view bytes) {
  SIM_CHECK(said_.compare(heard_, bytes.size(), bytes) == 0,
            "client %u: hears something else than it said, within %zu bytes from %zu", number(),
            bytes.size(), heard_);
  heard_ += bytes.size();
  SIM_CHECK(heard_ <= owed(taken_), "client %u: hears %zu bytes when %zu are owed", number(),
            heard_, owed(taken_));
}

// No place for it.
bool EchoClient::is_refused() const { return scenario_.may_refuse() && !was_served_; }

void EchoClient::on_end() {
  if (scenario_.is_orderly()) {
    SIM_CHECK(heard_ == owed(taken_), "client %u: the end comes after %zu of the %zu bytes owed",
              number(), heard_, owed(taken_));
  }
  const bool ends_early = is_refused() || !scenario_.is_orderly() || scenario_.is_draining() ||
                          !scenario_.has_budget() || too_long_at_ != SIZE_MAX;
  SIM_CHECK(ends_early || (is_finishing() && taken_ + 4 > said_.size()),
            "client %u: the end comes after %zu of %zu bytes were taken", number(), taken_,
            said_.size());
  close();
}

void EchoClient::on_broken(int) {
  set_cut();
  if (reset_cause() != ResetCause::accepting_end) return;
  // Nobody who is served is reset (X4), not by a drain either.
  SIM_CHECK(is_refused() || !scenario_.is_orderly() || (scenario_.is_draining() && !was_served_),
            "client %u: is reset by the server", number());
}

}  // namespace

ScenarioResult run_echo(const ScenarioOptions& options) { return EchoScenario(options).run(); }

}  // namespace ringpost::sim
