#include "tools/loadgen/generator.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "tools/loadgen/thread_use.h"

namespace ringpost::loadgen {

using engine::Message;
using engine::never;
using Part = Slice::Part;

namespace {

constexpr Nanos interval_nanos = engine::nanos_per_s;
constexpr Nanos poke_nanos = 50 * engine::nanos_per_ms;
// What was sent last in the measured period may be answered so much behind it. What a server that
// is too slow is behind by grows for as long as it is asked.
constexpr Nanos answer_grace = 100 * engine::nanos_per_ms;
// A server that says nothing for less than that is slow, and not silent.
constexpr Nanos silence_min = engine::nanos_per_s;
// What is due at one time goes out in one send, for a send costs more than a message, and whoever
// is due next waits for all of them. So many messages at the most; what is more goes out on a few
// connections, evenly: then we are behind.
constexpr std::uint64_t messages_per_send = 64;
constexpr std::uint64_t sends_at_a_time = 8;

struct SettledBody {
  std::uint64_t sender;
  std::uint64_t count;
};

}  // namespace

Generator::Generator(engine::Shard& shard, const Plan& plan, Board& board)
    : shard_(shard), plan_(plan), board_(board), quota_(UINT64_MAX) {
  timer_.target = this;
  for (std::uint64_t number = self(); number < plan.connections; number += plan.shards) {
    Client& client = clients_.emplace_back(*this, number);
    if (number < plan.speakers) speakers_.push_back(&client);
    to_connect_.push(&client);
  }
  if (plan.requests) quota_ = plan.share_of(*plan.requests, self());
  if (plan.ledger == nullptr) return;
  std::vector<std::uint32_t> receivers(plan.speakers);
  for (std::uint64_t sender = 0; sender < plan.speakers; ++sender) {
    receivers[sender] = static_cast<std::uint32_t>(std::ranges::count_if(
        clients_, [&](const Client& client) { return plan.hears(client.number(), sender); }));
  }
  hearing_.emplace(std::move(receivers), plan.ledger->window());
  // A shard on which nobody hears a speaker has all of it.
  settled_.resize(speakers_.size() * parts(), UINT64_MAX);
  for (std::size_t ours = 0; ours < speakers_.size(); ++ours) {
    if (plan.protocol->acknowledges()) settled_[ours * parts() + plan.shards] = 0;
    for (std::uint64_t other = 0; other < plan.connections; ++other) {
      const bool hears = plan.hears(other, speakers_[ours]->number());
      if (hears) settled_[ours * parts() + other % plan.shards] = 0;
    }
  }
}

void Generator::receive(std::span<const Message> run) {
  for (const Message& message : run) {
    switch (message.kind) {
      case kind_connect:
        phase_ = Phase::connecting;
        poke_at_ = shard_.now();
        connect_some();
        check_ready();
        schedule_timer();
        break;
      case kind_start:
        start(message.get<Nanos>());
        break;
      case kind_stop:
        stop();
        break;
      case kind_finish:
        finish();
        break;
      case kind_settled: {
        const auto body = message.get<SettledBody>();
        on_settled(body.sender, message.from.shard(), body.count);
        break;
      }
      default:
        ASSERT(false);
    }
  }
}

// --- Connecting --------------------------------------------------------------------------------

void Generator::connect_some() {
  while (phase_ <= Phase::finishing && !to_connect_.empty() && connecting_ < plan_.connecting_max) {
    Client& client = *to_connect_.pop();
    if (phase_ == Phase::finishing && client.in_flight() == 0) continue;
    ++connecting_;
    client.connect();
  }
}

void Generator::on_client_ready(Client& client) {
  ++ready_count_;
  ++connects_;
  --connecting_;
  if (phase_ == Phase::running) {
    if (!interval_->connect_time) interval_->connect_time.emplace();
    interval_->connect_time->record(shard_.now() - client.left_at());
    on_room(client);
  }
  connect_some();
  check_ready();
}

void Generator::check_ready() {
  if (phase_ != Phase::connecting || ready_count_ != clients_.size()) return;
  phase_ = Phase::ready;
  board_.shard_ready();
}

void Generator::on_unreachable(Client& client, const std::string& why) {
  ++connects_failed_;
  --connecting_;
  if (phase_ < Phase::running) return board_.unreachable(why);
  board_.error("connect", why);
  give_up(client, why);
  connect_some();
  on_client_closed();
}

void Generator::on_greeting_lost() {
  --connecting_;
  connect_some();
}

// --- The storm ---------------------------------------------------------------------------------

// Everybody whose time to leave has come.
void Generator::storm(Nanos now) {
  const double passed = static_cast<double>(now - measure_from_) /
                        static_cast<double>(std::max<Nanos>(*plan_.storm, 1));
  const auto due = static_cast<std::size_t>(static_cast<double>(clients_.size()) * passed) + 1;
  while (storm_next_ < std::min(due, clients_.size())) clients_[storm_next_++].leave();
  storm_at_ = storm_next_ < clients_.size() ? now + engine::TimerWheel::tick_nanos : never;
}

void Generator::on_client_left(Client& client) {
  if (phase_ == Phase::connecting || phase_ == Phase::ready) {
    return board_.unreachable("the server closed a connection before it was used");
  }
  if (phase_ > Phase::finishing) return;
  to_connect_.push(&client);
  connect_some();
}

// --- Running -----------------------------------------------------------------------------------

void Generator::start(Nanos at) {
  if (phase_ != Phase::ready) return;
  phase_ = Phase::running;
  poke_at_ = never;
  warmup_ends_ = at + plan_.warmup;
  bytes_sent_before_ = shard_.counters().sent_bytes;
  bytes_received_before_ = shard_.counters().received_bytes;
  sends_before_ = shard_.counters().sends;
  receives_before_ = shard_.counters().receives;
  interval_ = std::make_unique<Slice>();  // where what was used until now goes
  note_use();
  interval_.reset();
  heard_at_ = at;
  if (plan_.duration == never) silence_ends_ = at + silence_max();
  turn_interval(at, plan_.warmup > 0 ? Part::warmup : Part::measured);
  schedule_timer();
  if (is_open_loop() && !speakers_.empty()) {
    const double apart = 1e9 / *plan_.per_s;
    pace_ = Pace(at + static_cast<Nanos>(apart * self()), *plan_.per_s / plan_.speaking_shards());
    pace();
  } else {
    for (Client* client : speakers_) on_room(*client);
  }
  check_idle();
}

std::uint64_t Generator::room_of(const Client& client) const {
  if (!client.ready() || client.in_flight() >= plan_.pipeline) return 0;
  return std::min(
      {plan_.pipeline - client.in_flight(), client.room(plan_.write_bytes_max), quota_ - issued_});
}

void Generator::on_room(Client& client) {
  if (phase_ != Phase::running || client.number() >= plan_.speakers) return;
  if (is_open_loop()) {
    if (behind_) pace();
    return;
  }
  const std::uint64_t count = room_of(client);
  if (count != 0) send(client, {issued_, count, clock_.now()});
}

void Generator::send(Client& client, const Batch& batch) {
  if (in_flight_ == 0) heard_at_ = batch.sent;
  issued_ += batch.count;
  in_flight_ += batch.count;
  interval_->requests += batch.count;
  if (plan_.ledger != nullptr) {
    for (std::uint64_t i = 0; i < batch.count; ++i) {
      const Nanos due = is_open_loop() ? pace_.due(batch.first + i) : batch.sent;
      plan_.ledger->note(client.number(), client.sent_count() + i, due);
    }
  }
  client.send(batch);
  if (issued_ == quota_ && !std::exchange(concluded_, true)) {
    for (Client* speaker : speakers_) speaker->conclude();
  }
}

// --- The open loop -----------------------------------------------------------------------------

std::uint64_t Generator::due_by(Nanos now) const {
  return std::min(pace_.due_by(std::min(now, measure_until_)), quota_);
}

void Generator::pace() {
  if (phase_ != Phase::running) return;
  const Nanos now = clock_.now();
  const std::uint64_t due = due_by(now);
  if (issued_ < due) send_due(due, now);
  behind_ = issued_ < due;
  if (behind_ || issued_ == quota_) return;  // until there is room
  shard_.exact_timers().schedule(pacer_.node, pace_.due(issued_));
}

void Generator::send_due(std::uint64_t due, Nanos now) {
  const std::uint64_t burst =
      std::max(messages_per_send, (due - issued_ + sends_at_a_time - 1) / sends_at_a_time);
  std::size_t without_room = 0;
  while (issued_ != due && without_room != speakers_.size()) {
    Client& client = *speakers_[next_speaker_];
    next_speaker_ = next_speaker_ + 1 == speakers_.size() ? 0 : next_speaker_ + 1;
    const std::uint64_t count = std::min({room_of(client), burst, due - issued_});
    if (count == 0) {
      ++without_room;
      continue;
    }
    without_room = 0;
    const Batch batch{issued_, count, now};
    note_delays(batch);
    send(client, batch);
  }
}

void Generator::note_delays(const Batch& batch) {
  const std::uint64_t late_until = pace_.due_by(batch.sent - plan_.late_bound);
  if (late_until > batch.first) {
    interval_->late += std::min(late_until - batch.first, batch.count);
  }
  for (std::uint64_t i = 0; i < batch.count; ++i) {
    const Nanos delay = batch.sent - pace_.due(batch.first + i);
    interval_->send_delay->record(std::max<Nanos>(delay, 0));
  }
}

// --- Answers -----------------------------------------------------------------------------------

void Generator::on_answered(const Batch& batch, Nanos now) {
  in_flight_ -= batch.count;
  note_answered(batch.count, now);
  interval_->replies += batch.count;
  if (!is_open_loop()) {
    if (counts(batch.sent)) interval_->latency.record(now - batch.sent, batch.count);
  } else {
    if (counts(batch.sent)) {
      interval_->service_time->record(std::max<Nanos>(now - batch.sent, 0), batch.count);
    }
    for (std::uint64_t i = 0; i < batch.count; ++i) {
      const Nanos due = pace_.due(batch.first + i);
      if (counts(due)) interval_->latency.record(std::max<Nanos>(now - due, 0));
    }
  }
  if (in_flight_ == 0) check_idle();
}

void Generator::note_answered(std::uint64_t count, Nanos now) {
  heard_at_ = now;
  if (now <= in_time_until_) interval_->answered += count;
}

void Generator::on_failed(std::uint64_t count) {
  heard_at_ = shard_.now();
  in_flight_ -= count;
  interval_->failed += count;
  if (in_flight_ == 0) check_idle();
}

void Generator::on_statuses(std::uint16_t status, std::uint64_t count) {
  if (interval_ != nullptr) interval_->statuses.add(status, count);
}

void Generator::on_fault(const Client& client, Fault fault) {
  if (interval_ != nullptr) ++interval_->mismatches;
  board_.mismatch(
      {std::string(to_text(fault.kind)), client.number(), fault.sequence, std::move(fault.text)});
}

// --- Fan-out -----------------------------------------------------------------------------------

void Generator::on_delivered(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count,
                             Nanos now) {
  if (phase_ == Phase::ready) start(now);  // the sender's shard was told a little earlier
  if (interval_ == nullptr) return;        // over
  interval_->replies += count;
  // Lines that left together were due together.
  for (std::uint64_t i = 0; i < count;) {
    const Nanos due = plan_.ledger->due(sender, sequence + i);
    std::uint64_t alike = 1;
    while (i + alike < count && plan_.ledger->due(sender, sequence + i + alike) == due) ++alike;
    if (counts(due)) interval_->latency.record(std::max<Nanos>(now - due, 0), alike);
    i += alike;
  }
  hear(sender, sequence, count);
}

void Generator::on_missed(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count) {
  if (phase_ == Phase::ready) start(shard_.now());
  if (interval_ == nullptr) return;
  interval_->failed += count;
  hear(sender, sequence, count);
}

void Generator::hear(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count) {
  heard_at_ = shard_.now();
  if (!hearing_->hear(sender, sequence, count)) return;
  const auto home = static_cast<std::uint32_t>(sender % plan_.shards);
  if (home == self()) return on_settled(sender, home, hearing_->settled(sender));
  Message& message = shard_.post().tell(ref_of(home), ref_of(self()), kind_settled);
  message.put(SettledBody{sender, hearing_->settled(sender)});
}

void Generator::on_acknowledged(const Client& sender) {
  on_settled(sender.number(), plan_.shards, sender.acknowledged_count());
}

// That part is done with the first `count` messages of our sender.
void Generator::on_settled(std::uint64_t sender, std::uint32_t part, std::uint64_t count) {
  const std::size_t ours = sender / plan_.shards;
  settled_[ours * parts() + part] = count;
  const auto first = settled_.begin() + static_cast<std::ptrdiff_t>(ours * parts());
  const std::uint64_t everywhere = *std::min_element(first, first + parts());
  Client& client = *speakers_[ours];
  const std::uint64_t before = client.in_flight();
  client.settle(everywhere);
  const std::uint64_t settled = before - client.in_flight();
  in_flight_ -= settled;
  if (interval_ != nullptr) note_answered(settled, shard_.now());
  if (client.ready()) on_room(client);
  if (in_flight_ == 0) check_idle();
}

// --- Losses ------------------------------------------------------------------------------------

void Generator::on_lost(Client& client, std::string_view kind, std::string_view text) {
  if (phase_ == Phase::done) return;
  board_.error(std::string(kind), std::string(text));
  give_up(client, "the connection was lost");
}

void Generator::on_goodbye(Client& client, const std::string& why) {
  if (phase_ < Phase::running) return board_.unreachable(why);
  on_lost(client, "closed", why);
}

void Generator::give_up(Client& client, std::string_view why) {
  const std::uint64_t unanswered = client.give_up_in_flight();
  if (unanswered == 0) return;
  board_.error("unanswered", std::string(why), unanswered);
  in_flight_ -= unanswered;
}

void Generator::on_client_closed() {
  if (phase_ == Phase::connecting || phase_ == Phase::ready) {
    board_.unreachable("the server closed a connection before it was used");
    return;
  }
  // Without a receiver nothing is settled any more; without connections nothing happens.
  const bool is_over = ready_count_ == 0 && connecting_ == 0 && to_connect_.empty() &&
                       std::ranges::none_of(clients_, &Client::is_renewing);
  if (phase_ == Phase::running && (is_over || hearing_)) return stop();
  check_idle();
}

// --- Time --------------------------------------------------------------------------------------

void Generator::schedule_timer() {
  const Nanos next =
      std::min({interval_ends_, measure_until_, give_up_at_, silence_ends_, poke_at_, storm_at_});
  if (next == never) return shard_.timers().cancel(timer_);
  shard_.timers().schedule(timer_, next);
}

void Generator::on_time() {
  const Nanos now = shard_.now();
  if (now >= poke_at_) {
    poke_at_ = now + poke_nanos;
    for (Client* client : speakers_) client->poke();
  }
  if (now >= silence_ends_) check_silence(now);
  if (now >= give_up_at_) {
    board_.error("unanswered", "no reply came within the time for it", in_flight_);
    in_flight_ = 0;
    check_idle();
  } else if (phase_ == Phase::running && now >= measure_until_) {
    stop();
  } else if (now >= interval_ends_) {
    turn_interval(now, now >= warmup_ends_ ? Part::measured : Part::warmup);
  }
  if (now >= storm_at_) storm(now);
  schedule_timer();
}

Nanos Generator::silence_max() const { return std::max(plan_.reply_timeout, silence_min); }

// Whoever waits for so many replies, and not until a time, would wait for ever for a server that
// says nothing any more. That is looked for now and then, for an answer is no time to set a timer.
void Generator::check_silence(Nanos now) {
  silence_ends_ = (in_flight_ == 0 ? now : heard_at_) + silence_max();
  if (now < silence_ends_ || in_flight_ == 0) return;
  stop();
  if (phase_ == Phase::finishing) give_up_at_ = now;
}

// Hands the interval over and begins the next one.
void Generator::turn_interval(Nanos now, Part next) {
  const bool is_first_measured =
      next == Part::measured && (interval_ == nullptr || interval_->part != Part::measured);
  if (interval_ != nullptr) hand_over_interval(now);
  interval_ = std::make_unique<Slice>();
  interval_->part = next;
  interval_->shard = self();
  interval_->index = intervals_++;
  interval_->begin = now;
  if (is_open_loop()) {
    interval_->service_time.emplace();
    interval_->send_delay.emplace();
  }
  if (plan_.storm) interval_->connect_time.emplace();
  if (is_first_measured) {  // what counts begins here, however late that is
    measure_from_ = now;
    if (plan_.duration != never) measure_until_ = now + plan_.duration;
    interval_ends_ = now;
    if (plan_.storm) {
      storm_next_ = 0;
      storm_at_ = now;
    }
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
  interval_->sends = counters.sends - std::exchange(sends_before_, counters.sends);
  interval_->receives = counters.receives - std::exchange(receives_before_, counters.receives);
  note_use();
  board_.interval(std::move(interval_));
}

void Generator::note_use() {
  const ThreadClock clock = read_thread_clock();
  const Nanos cpu = clock.cpu - std::exchange(cpu_before_, clock.cpu);
  const Nanos spun = shard_.spun_nanos() - std::exchange(spun_before_, shard_.spun_nanos());
  interval_->run_delay = clock.run_delay - std::exchange(run_delay_before_, clock.run_delay);
  // Who was taken off the CPU while polling polled for less time than it seemed to itself.
  const Nanos polled = std::max<Nanos>(0, spun - interval_->run_delay);
  interval_->busy = std::max<Nanos>(0, cpu - polled);
}

// --- The end -----------------------------------------------------------------------------------

void Generator::stop() {
  if (phase_ >= Phase::finishing) return;
  const bool was_running = phase_ == Phase::running;
  if (was_running && is_open_loop() && !speakers_.empty()) pace();  // what is due by now
  if (phase_ >= Phase::finishing) return;  // that was the last of all requests, and answered
  phase_ = Phase::finishing;
  poke_at_ = storm_at_ = silence_ends_ = never;
  if (was_running) {
    const Nanos now = shard_.now();
    if (is_open_loop() && !speakers_.empty()) interval_->dropped += due_by(now) - issued_;
    turn_interval(now, Part::tail);
    interval_ends_ = measure_until_ = never;
    in_time_until_ = now + answer_grace;
    give_up_at_ = now + plan_.reply_timeout;
    shard_.exact_timers().cancel(pacer_.node);
    if (!std::exchange(concluded_, true)) {
      for (Client* speaker : speakers_) speaker->conclude();
    }
  }
  schedule_timer();
  check_idle();
}

void Generator::check_idle() {
  if (in_flight_ != 0) return;
  if (phase_ == Phase::running && issued_ == quota_ && !speakers_.empty()) {
    if (!hearing_) return stop();
    return report_idle();  // what others send is still heard
  }
  if (phase_ != Phase::finishing) return;
  phase_ = Phase::finished;
  give_up_at_ = never;
  report_idle();
}

void Generator::report_idle() {
  if (!speakers_.empty() && !std::exchange(idle_reported_, true)) board_.shard_idle();
}

void Generator::finish() {
  if (phase_ == Phase::done) return;
  phase_ = Phase::done;
  for (Client& client : clients_) client.finish();
  if (interval_ != nullptr) hand_over_interval(shard_.now());
  shard_.timers().cancel(timer_);
  board_.connects(connects_, connects_failed_);
  board_.shard_done();
}

}  // namespace ringpost::loadgen
