#include "tests/sim/sim_client.h"

#include <algorithm>

namespace ringpost::sim {

namespace {
// Until a client that waits for nothing looks whether it has something to say.
constexpr std::uint64_t idle_us_max = 2000;
}  // namespace

SimPace SimPace::draw(engine::Prng& prng) {
  SimPace pace;
  pace.think_us_max = std::uint64_t{1} << prng.below(14);
  pace.write_bytes_max = std::uint64_t{1} << prng.below(14);
  pace.read_bytes_max = std::uint64_t{1} << prng.below(17);
  return pace;
}

SimClient::SimClient(SimWorld& world, std::uint32_t number)
    : world_(world), network_(world.network()), number_(number) {}

void SimClient::connect(std::uint16_t port) {
  SIM_CHECK(state_ == State::idle, "client %u connects twice", number_);
  state_ = State::connecting;
  endpoint_ = network_.connect_to(port, this, number_);
}

void SimClient::adopt(EndpointId endpoint) {
  SIM_CHECK(state_ == State::idle, "client %u connects twice", number_);
  state_ = State::open;
  endpoint_ = endpoint;
  network_.observe(endpoint, this, number_);
  hurry();
}

void SimClient::send(std::string_view bytes) {
  if (sent_ == outgoing_.size()) {
    outgoing_.clear();
    sent_ = 0;
  }
  outgoing_.append(bytes);
  hurry();
}

void SimClient::half_close() {
  wants_half_close_ = true;
  hurry();
}

void SimClient::reset() {
  if (state_ == State::over) return;
  world_.trace().note("client resets", number_);
  if (endpoint_ != no_endpoint) network_.reset(endpoint_);
  state_ = State::over;
}

void SimClient::close() {
  if (state_ == State::over) return;
  world_.trace().note("client closes", number_);
  if (endpoint_ != no_endpoint) network_.close(endpoint_);
  state_ = State::over;
}

void SimClient::set_pace(const SimPace& pace) {
  pace_ = pace;
  hurry();
}

ResetCause SimClient::reset_cause() const {
  return endpoint_ == no_endpoint ? ResetCause::none : network_.reset_cause(endpoint_);
}

void SimClient::schedule_step(std::uint64_t delay_us_max) {
  if (is_scheduled_ || state_ == State::over) return;
  is_scheduled_ = true;
  world_.context().schedule.at(world_.clock().now() + world_.context().draw_nanos(delay_us_max),
                               *this, 0, 0);
}

void SimClient::on_event(std::uint32_t, std::uint64_t) {
  is_scheduled_ = false;
  step();
}

void SimClient::step() {
  if (state_ == State::connecting) finish_connecting();
  if (state_ == State::open) read_some();
  if (state_ == State::open) write_some();
  if (state_ == State::over) return;
  if (on_step()) schedule_step(idle_us_max);
}

void SimClient::finish_connecting() {
  if (network_.is_reset(endpoint_)) return fail();
  if (!network_.is_established(endpoint_)) return;
  state_ = State::open;
  world_.trace().note("client connected", number_);
  on_connected();
}

void SimClient::fail() {
  const int error = network_.take_error(endpoint_);
  world_.trace().note("client broken", number_, static_cast<std::uint64_t>(error));
  network_.reset(endpoint_);
  state_ = State::over;
  on_broken(error);
}

void SimClient::read_some() {
  if (pace_.read_bytes_max == 0) {
    if (network_.is_reset(endpoint_)) fail();
    return;
  }
  incoming_.resize(std::min<std::size_t>(network_.readable_bytes(endpoint_),
                                         world_.context().draw_size(pace_.read_bytes_max)));
  if (!incoming_.empty()) {
    network_.read(endpoint_, incoming_.data(), incoming_.size());
    world_.trace().note("client reads", number_, hash_bytes(incoming_));
    on_data(incoming_);
    if (state_ == State::open && network_.has_news(endpoint_)) hurry();
    return;
  }
  if (network_.is_reset(endpoint_)) return fail();
  if (network_.is_ended(endpoint_) && !has_seen_end_) {
    has_seen_end_ = true;
    world_.trace().note("client sees end", number_);
    on_end();
  }
}

void SimClient::write_some() {
  if (!network_.can_write(endpoint_)) return;
  const std::size_t bytes =
      std::min<std::size_t>({unsent_bytes(), network_.writable_bytes(endpoint_),
                             world_.context().draw_size(pace_.write_bytes_max)});
  if (bytes > 0) {
    network_.write(endpoint_, std::string_view(outgoing_).substr(sent_, bytes));
    sent_ += bytes;
    bytes_sent_ += bytes;
    if (unsent_bytes() > 0 && network_.writable_bytes(endpoint_) > 0) hurry();
  }
  if (wants_half_close_ && !is_half_closed_ && unsent_bytes() == 0) {
    is_half_closed_ = true;
    world_.trace().note("client half-closes", number_);
    network_.shutdown(endpoint_, engine::Shutdown::send);
  }
}

}  // namespace ringpost::sim
