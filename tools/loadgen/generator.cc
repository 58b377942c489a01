#include "tools/loadgen/generator.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"

namespace ringpost::loadgen {

using engine::Message;
using engine::never;
using Part = Interval::Part;

namespace {
constexpr Nanos interval_nanos = engine::nanos_per_s;
}  // namespace

Generator::Generator(engine::Shard& shard, const Plan& plan, Board& board)
    : shard_(shard), plan_(plan), board_(board) {
  timer_.target = this;
  const std::uint32_t self = shard.post().shard();
  for (std::uint64_t number = self; number < plan.connections; number += plan.shards) {
    clients_.emplace_back(*this, number);
  }
  if (plan.requests) quota_ = plan.share_of(*plan.requests, self);
}

void Generator::receive(std::span<const Message> run) {
  for (const Message& message : run) {
    switch (message.kind) {
      case kind_connect:
        phase_ = Phase::connecting;
        connect_some();
        check_ready();
        break;
      case kind_start:
        start(message.get<Nanos>());
        break;
      case kind_stop:
        stop();
        break;
      default:
        ASSERT(false);
    }
  }
}

// --- Connecting --------------------------------------------------------------------------------

void Generator::connect_some() {
  while (phase_ == Phase::connecting && connects_begun_ < clients_.size() &&
         connects_begun_ - connects_settled_ < plan_.connecting_max) {
    clients_[connects_begun_++].connect();
  }
}

void Generator::on_client_ready(Client&) {
  ++ready_count_;
  ++connects_settled_;
  connect_some();
  check_ready();
}

void Generator::check_ready() {
  if (phase_ != Phase::connecting || ready_count_ != clients_.size()) return;
  phase_ = Phase::ready;
  board_.shard_ready();
}

void Generator::on_unreachable(const std::string& why) { board_.unreachable(why); }

// --- Running -----------------------------------------------------------------------------------

void Generator::start(Nanos at) {
  if (phase_ != Phase::ready) return;
  phase_ = Phase::running;
  warmup_ends_ = at + plan_.warmup;
  bytes_sent_before_ = shard_.counters().sent_bytes;
  bytes_received_before_ = shard_.counters().received_bytes;
  turn_interval(at, plan_.warmup > 0 ? Part::warmup : Part::measured);
  schedule_timer();
  for (Client& client : clients_) {
    if (client.ready()) on_room(client);
  }
  finish_if_idle();
}

std::uint64_t Generator::take_quota(std::uint64_t count) {
  count = std::min(count, quota_);
  quota_ -= count;
  return count;
}

void Generator::on_room(Client& client) {
  if (phase_ != Phase::running) return;
  const std::uint64_t in_flight = client.in_flight();
  if (in_flight >= plan_.pipeline) return;
  const std::uint64_t count =
      take_quota(std::min(plan_.pipeline - in_flight, client.room(plan_.write_bytes_max)));
  if (count == 0) return;
  in_flight_ += count;
  interval_->requests += count;
  client.send(static_cast<std::uint64_t>(shard_.now()), count);
}

void Generator::on_answered(std::uint64_t mark, std::uint64_t count, Nanos now) {
  in_flight_ -= count;
  interval_->replies += count;
  const auto sent = static_cast<Nanos>(mark);
  if (counts(sent)) interval_->latency.record(now - sent, count);
  if (in_flight_ == 0) finish_if_idle();
}

void Generator::on_failed(std::uint64_t count) {
  in_flight_ -= count;
  interval_->failed += count;
  if (in_flight_ == 0) finish_if_idle();
}

void Generator::on_fault(const Client& client, Fault fault) {
  if (interval_ != nullptr) ++interval_->mismatches;
  board_.mismatch(
      {std::string(to_text(fault.kind)), client.number(), fault.sequence, std::move(fault.text)});
}

void Generator::on_lost(Client& client, std::string_view kind, std::string_view text) {
  if (phase_ == Phase::done) return;
  board_.error(std::string(kind), std::string(text));
  const std::uint64_t unanswered = client.give_up_in_flight();
  if (unanswered == 0) return;
  board_.error("unanswered", "the connection was lost", unanswered);
  in_flight_ -= unanswered;
}

void Generator::on_client_closed(Client&, bool was_ready) {
  if (was_ready) --ready_count_;
  if (phase_ == Phase::connecting) {
    board_.unreachable("the server closed a connection before it was used");
    return;
  }
  if (phase_ == Phase::running && ready_count_ == 0) return stop();
  finish_if_idle();
}

// --- Time --------------------------------------------------------------------------------------

void Generator::schedule_timer() {
  const Nanos next = std::min({interval_ends_, measure_until_, give_up_at_});
  if (next != never) shard_.timers().schedule(timer_, next);
}

void Generator::on_time() {
  const Nanos now = shard_.now();
  if (now >= give_up_at_) return finish();
  if (phase_ == Phase::running && now >= measure_until_) return stop();
  if (now >= interval_ends_) {
    turn_interval(now, now >= warmup_ends_ ? Part::measured : Part::warmup);
  }
  schedule_timer();
}

// Hands the interval over and begins the next one.
void Generator::turn_interval(Nanos now, Part next) {
  const bool is_first_measured =
      next == Part::measured && (interval_ == nullptr || interval_->part != Part::measured);
  if (interval_ != nullptr) hand_over_interval(now);
  interval_ = std::make_unique<Interval>();
  interval_->part = next;
  interval_->shard = shard_.post().shard();
  interval_->index = intervals_++;
  interval_->begin = now;
  if (is_first_measured) {  // what counts begins here, however late that is
    measure_from_ = now;
    if (plan_.duration != never) measure_until_ = now + plan_.duration;
    interval_ends_ = now;
  } else if (interval_ends_ == never) {
    interval_ends_ = now;
  }
  interval_ends_ += interval_nanos;
  if (next == Part::warmup) interval_ends_ = std::min(interval_ends_, warmup_ends_);
}

void Generator::hand_over_interval(Nanos now) {
  const engine::Counters& counters = shard_.counters();
  interval_->end = now;
  interval_->connections = ready_count_;
  interval_->bytes_sent =
      counters.sent_bytes - std::exchange(bytes_sent_before_, counters.sent_bytes);
  interval_->bytes_received =
      counters.received_bytes - std::exchange(bytes_received_before_, counters.received_bytes);
  board_.interval(std::move(interval_));
}

// --- The end -----------------------------------------------------------------------------------

void Generator::stop() {
  if (phase_ == Phase::done || phase_ == Phase::finishing) return;
  const bool was_running = phase_ == Phase::running;
  phase_ = Phase::finishing;
  if (was_running) {
    turn_interval(shard_.now(), Part::tail);
    interval_ends_ = measure_until_ = never;
    give_up_at_ = shard_.now() + plan_.reply_timeout;
    shard_.timers().cancel(timer_);
    schedule_timer();
  }
  finish_if_idle();
}

void Generator::finish_if_idle() {
  if (in_flight_ != 0) return;
  if (phase_ == Phase::running && quota_ == 0) return stop();
  if (phase_ == Phase::finishing) finish();
}

void Generator::finish() {
  phase_ = Phase::done;
  give_up_at_ = never;
  shard_.timers().cancel(timer_);
  for (Client& client : clients_) client.finish();
  if (in_flight_ != 0) {
    board_.error("unanswered", "no reply came within the time for it", in_flight_);
  }
  if (interval_ != nullptr) hand_over_interval(shard_.now());
  board_.shard_done();
}

}  // namespace ringpost::loadgen
