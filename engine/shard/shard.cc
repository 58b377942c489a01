#include "engine/shard/shard.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"

namespace ringpost::engine {

namespace {
// While a lane is full, its consumer frees places without waking anybody: look again soon.
constexpr Nanos congested_nap = 20 * nanos_per_us;
// A sleep may last that much longer than asked for: the kernel's timer slack and the way back.
constexpr Nanos sleep_overshoot = 100 * nanos_per_us;
// Rounds of local delivery and taking up paused input, before the shard flushes what they made.
constexpr int local_rounds_max = 32;
constexpr std::size_t inbox_batch = 64;

bool is_drain_message(const Message& message) {
  return message.kind >= kind_drain && message.kind <= kind_drain_skip;
}

bool only_drain_messages(std::span<const Message> messages) {
  return std::all_of(messages.begin(), messages.end(), is_drain_message);
}

}  // namespace

Shard::Shard(const ShardOptions& options, Io& io, KernelOwned& kernel_owned, const Clock& clock,
             Mesh& mesh)
    : options_(options),
      io_(io),
      clock_(clock),
      mesh_(mesh),
      port_(mesh.take_port(options.index)),
      now_(clock.now()),
      buffers_(kernel_owned),
      timers_(now_),
      post_(options.index, mesh.shard_count()),
      connections_({io, post_, timers_, buffers_, payloads_, counters_, now_}, options.connections),
      dialer_({io, connections_, timers_, counters_, now_, ref_of(options.index), options.resolver,
               options.seed}),
      balance_(mesh.shard_count()),
      drain_(*this, post_, timers_, now_, options.drain_nanos),
      lane_sent_(mesh.shard_count()),
      lane_received_(mesh.shard_count()) {
  actors_.emplace_back();  // the shard itself
  set_marks();
}

// Above these, input ends: what a turn may publish to a lane, or deliver here.
void Shard::set_marks() {
  for (std::uint32_t target = 0; target < post_.shard_count(); ++target) {
    const std::size_t mark =
        target == options_.index ? options_.messages_per_turn : port_.to[target]->capacity();
    post_.queue(target).set_mark(mark);
  }
  delivering_.set_mark(options_.messages_per_turn);  // the two change places
}

Shard::~Shard() = default;

std::uint32_t Shard::add_service(std::unique_ptr<Service> service) {
  services_.push_back(std::move(service));
  return static_cast<std::uint32_t>(services_.size() - 1);
}

ActorRef Shard::spawn_at(std::uint32_t slot, std::unique_ptr<Actor> actor) {
  ASSERT(slot >= slot_actor_first);
  if (slot >= actors_.size()) actors_.resize(slot + 1);
  ASSERT(actors_[slot] == nullptr);
  actors_[slot] = std::move(actor);
  return ActorRef::actor(options_.index, slot, 1);
}

void Shard::listen(Fd socket, std::uint32_t service) {
  ASSERT(service < services_.size());
  listeners_.push_back(std::make_unique<Listener>(socket,
                                                  static_cast<std::uint32_t>(listeners_.size()),
                                                  service, *this, io_, timers_, counters_, now_));
  listeners_.back()->start();
}

// --- The turn --------------------------------------------------------------------------------

bool Shard::turn() {
  const std::span<const Completion> completions = io_.turn(turn_limits(), *this);
  now_ = clock_.now();
  messages_this_turn_ = 0;
  input_this_turn_ = 0;
  fed_this_turn_ = false;
  const std::uint64_t handled_before = messages_delivered_;

  work_off_backlog();
  take_completions(completions);
  drain_inbox();
  drain_lanes();
  run_timers();
  deliver_local();
  publish_lanes();
  connections_.flush();
  connections_.settle_stalled();  // behind what may end a pause: room in a lane, a dropped outbox
  connections_.close_aborted();
  report_closed();

  end_turn(!completions.empty() || messages_this_turn_ != 0 ||
           messages_delivered_ != handled_before);
  if (!finished()) return true;
  io_.turn({.completions_max = 0},
           *this);  // what this turn started still goes out: wakes above all
  return false;
}

// Nothing is open any more, and the others have our word. What else still waits has nobody to go
// to: a shard whose drain was cut short may have ended, and its lane stays full for ever.
bool Shard::finished() const {
  if (!drain_.closing() || connections_.open_count() != 0 || !dialer_.idle()) return false;
  for (const auto& listener : listeners_) {
    if (!listener->closed()) return false;
  }
  return drain_.aborted() || !drain_word_waiting();
}

bool Shard::drain_word_waiting() const {
  for (std::uint32_t target = 0; target < post_.shard_count(); ++target) {
    const std::span<const Message> items = post_.queue(target).items();
    if (std::any_of(items.begin(), items.end(), is_drain_message)) return true;
  }
  return false;
}

TurnLimits Shard::turn_limits() const {
  TurnLimits limits;
  limits.completions_max = options_.completions_per_turn;
  if (messages_waiting() || backlog_head_ != backlog_.size() || connections_.work_left()) {
    limits.deadline = 0;
    return limits;
  }
  limits.deadline = timers_.next_deadline();
  if (post_.congested()) limits.deadline = std::min(limits.deadline, now_ + congested_nap);
  limits.spin = worked_ ? options_.spin_nanos : 0;
  wait_exactly(limits);
  return limits;
}

// Not beyond an exact deadline. A sleep ends some time after its own, so a shard that may spin
// wakes that much earlier and spends the rest awake.
void Shard::wait_exactly(TurnLimits& limits) const {
  const Nanos exact = exact_timers_.next_deadline();
  if (exact >= limits.deadline) return;
  limits.deadline = exact;
  if (options_.spin_nanos == 0) return;
  if (exact - now_ > sleep_overshoot) {
    limits.deadline = exact - sleep_overshoot;
  } else {
    limits.spin = std::max(limits.spin, exact - now_);
  }
}

bool Shard::messages_waiting() const {
  if (!post_.queue(options_.index).empty()) return true;
  if (post_.congested()) return false;  // they wait for room in a lane
  for (std::uint32_t target = 0; target < post_.shard_count(); ++target) {
    if (!post_.queue(target).empty()) return true;
  }
  return false;
}

// A log took its share, or enough was delivered or parsed: flush before taking more in. What is
// received here may go to another shard and come back longer; so while the logs cannot keep up with
// what has come back, a turn takes one receive, and the lanes get shorter.
bool Shard::input_ended() const {
  const std::uint64_t input_max = lanes_behind_ ? 1 : options_.input_bytes_per_turn;
  return connections_.input_ended() || messages_this_turn_ >= options_.messages_per_turn ||
         input_this_turn_ >= input_max;
}

void Shard::work_off_backlog() {
  while (backlog_head_ != backlog_.size() && !input_ended()) dispatch(backlog_[backlog_head_++]);
  // Under a load that always leaves some, it must not grow in front.
  if (backlog_head_ < backlog_.size() - backlog_head_) return;
  backlog_.erase(backlog_.begin(), backlog_.begin() + static_cast<std::ptrdiff_t>(backlog_head_));
  backlog_head_ = 0;
}

void Shard::take_completions(std::span<const Completion> completions) {
  for (const Completion& completion : completions) {
    const bool later = completion.token.kind() == OpKind::receive &&
                       (input_ended() || backlog_head_ != backlog_.size());
    if (later) {
      backlog_.push_back(completion);  // bounded by the Io's receive buffers
    } else {
      dispatch(completion);
    }
  }
  if (!backlog_.empty()) ++counters_.turn_input_ended;
}

void Shard::dispatch(const Completion& completion) {
  if (completion.token.kind() == OpKind::accept) {
    listeners_[completion.token.slot()]->on_completion(completion);
    return;
  }
  if (completion.token.kind() == OpKind::connect) {
    dialer_.on_completion(completion);
    return;
  }
  connections_.on_completion(completion);
  if (completion.token.kind() == OpKind::receive && completion.result > 0) {
    input_this_turn_ += static_cast<std::uint32_t>(completion.result);
  }
  // What was just parsed is still in the cache: let the actors of this shard handle it now.
  if (!post_.queue(options_.index).empty()) deliver_local();
}

void Shard::drain_inbox() {
  Inbox& inbox = mesh_.inbox(options_.index);
  if (inbox.empty()) return;  // nearly always: a turn does not set up room for messages in vain
  std::array<Message, inbox_batch> batch;
  const std::size_t count = inbox.pop(batch);
  deliver({batch.data(), count});
}

void Shard::drain_lanes() {
  lanes_behind_ = false;
  const std::uint32_t count = post_.shard_count();
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t source = (lane_first_ + i) % count;
    if (source != options_.index) drain_lane(source);
  }
  lane_first_ = (lane_first_ + 1) % count;
}

void Shard::drain_lane(std::uint32_t source) {
  Lane::Consumer& lane = *port_.from[source];
  // At most what was there at first, so that a busy producer cannot hold the turn.
  std::size_t left = std::min(lane.size_guess(), lane.capacity());
  while (left != 0 && !connections_.input_ended()) {
    const std::span<Message> run = lane.peek(std::min<std::size_t>(left, options_.lane_batch));
    deliver(run);
    lane.release(run.size());
    lane_received_[source] += run.size();
    left -= run.size();
    if (!post_.queue(options_.index).empty()) deliver_local();
  }
  if (left != 0) lanes_behind_ = true;
}

void Shard::run_timers() {
  const auto fire = [](TimerNode& node) { node.target->on_time(); };
  if (!timers_.advance(now_, options_.timers_per_turn, fire)) ++counters_.turn_timers_put_off;
  exact_timers_.advance(now_);
}

void Shard::deliver_local() {
  MessageQueue& local = post_.queue(options_.index);
  for (int round = 0; round < local_rounds_max; ++round) {
    if (!local.empty()) {
      std::swap(local, delivering_);
      post_.set_full(options_.index, false);
      counters_.messages_local += delivering_.size();
      deliver(delivering_.items());
      delivering_.clear();
    } else if ((fed_this_turn_ && input_ended()) || !connections_.feed_ready()) {
      return;
    } else {
      fed_this_turn_ = true;
    }
  }
}

void Shard::publish_lanes() {
  bool full = false;
  for (std::uint32_t target = 0; target < post_.shard_count(); ++target) {
    MessageQueue& queue = post_.queue(target);
    if (target == options_.index || queue.empty()) continue;
    const std::size_t pushed = port_.to[target]->try_push_batch(queue.items());
    queue.pop(pushed);
    lane_sent_[target] += pushed;
    if (pushed != 0 && mesh_.parker(target).claim_wake()) io_.wake(target);
    post_.set_full(target, !queue.empty());
    if (queue.empty()) continue;
    full = true;
    counters_.spill_messages_max =
        std::max<std::uint64_t>(counters_.spill_messages_max, queue.size());
  }
  if (full && !spilling_) ++counters_.lanes_congested;
  spilling_ = full;
}

void Shard::report_closed() {
  const std::uint32_t count = connections_.take_closed_count();
  if (count == 0) return;
  for (const auto& listener : listeners_) listener->retry();
  if (!options_.balance) {
    balance_.ended(options_.index, count);
  } else if (options_.index == 0) {
    balance_.ended(0, count);
  } else if (!drain_.begun()) {
    post_.tell(ref_of(0), ref_of(options_.index), kind_closed_count).value = count;
  }
}

void Shard::end_turn(bool worked) {
  worked_ = worked;
  if (worked) turn_times_.record(clock_.now() - now_);
}

// --- Messages --------------------------------------------------------------------------------

void Shard::deliver(std::span<const Message> messages) {
  messages_this_turn_ += static_cast<std::uint32_t>(messages.size());
  while (!messages.empty()) {
    std::size_t count = 1;
    while (count < messages.size() && messages[count].to == messages.front().to) ++count;
    deliver_run(messages.first(count));
    messages = messages.subspan(count);
  }
}

void Shard::deliver_run(std::span<const Message> run) {
  const ActorRef to = run.front().to;
  DASSERT(to.shard() == options_.index);
  if (to.is_session()) {
    messages_delivered_ += run.size();
    if (!connections_.deliver(to, run)) drop(run);
  } else if (to.slot() == slot_shard) {
    receive(run);
  } else if (to.slot() < actors_.size() && actors_[to.slot()] != nullptr && to.generation() == 1) {
    messages_delivered_ += run.size();
    actors_[to.slot()]->receive(run);
  } else {
    drop(run);
  }
}

void Shard::drop(std::span<const Message> run) {
  counters_.messages_stale += run.size();
  for (const Message& message : run) {
    dispose(message, [this](int socket) { io_.close(socket); });
    if (message.is_ask) post_.answer(message, kind_gone);
  }
}

void Shard::receive(std::span<const Message> run) {
  for (const Message& message : run) on_own_message(message);
}

void Shard::on_own_message(const Message& message) {
  switch (message.kind) {
    case kind_sync:
      ++messages_delivered_;
      post_.answer(message, kind_synced);
      return;
    case kind_socket:
      ++messages_delivered_;
      connections_.adopt(message.get<int>(), *services_[message.value]);
      return;
    case kind_closed_count:
      balance_.ended(message.from.shard(), message.value);
      for (const auto& listener : listeners_) listener->retry();
      return;
    case kind_counters:
      message.get<ReportTarget*>()->on_report(report());
      return;
    case kind_resolved:
      ++messages_delivered_;
      dialer_.on_resolved(message);
      return;
    case kind_gone:
      return;
    default:
      drain_.on_message(message);
  }
}

void Shard::on_accepted(Fd socket, std::uint32_t service) {
  if (balance_.total() >= options_.connections_max) {
    ++counters_.opened;
    ++counters_.closed[static_cast<std::size_t>(CloseReason::refused)];
    io_.close(socket);
    return;
  }
  std::uint32_t target = options_.index;
  if (options_.balance) {
    target = balance_.assign();
  } else {
    balance_.assign_to(target);
  }
  if (target == options_.index) {
    connections_.adopt(socket, *services_[service]);
    return;
  }
  Message& message = post_.tell(ref_of(target), ref_of(options_.index), kind_socket);
  message.put(socket);
  message.holds = Holds::descriptor;
  message.value = service;
}

// --- Sleep -----------------------------------------------------------------------------------

bool Shard::work_pending() const {
  for (auto& lane : port_.from) {
    if (lane && !lane->empty()) return true;
  }
  return !mesh_.inbox(options_.index).empty();
}

bool Shard::try_enter_sleep() {
  Parker& parker = mesh_.parker(options_.index);
  parker.announce_sleep();
  if (!work_pending()) return true;
  parker.awake();
  return false;
}

void Shard::leave_sleep() { mesh_.parker(options_.index).awake(); }

// --- Drain -----------------------------------------------------------------------------------

void Shard::drain_begin() {
  for (const auto& listener : listeners_) listener->stop();
  dialer_.drain();  // first: a connection may be waiting for another
  connections_.drain();
}

bool Shard::drain_quiet() {
  const bool moved = std::exchange(drain_seen_, messages_delivered_) != messages_delivered_;
  if (moved || !connections_.drained() || backlog_head_ != backlog_.size()) return false;
  for (std::uint32_t other = 0; other < post_.shard_count(); ++other) {
    if (!only_drain_messages(post_.queue(other).items())) return false;
    if (!port_.from[other]) continue;
    const std::size_t waiting = port_.from[other]->size_guess();
    const std::span<const Message> seen = port_.from[other]->peek();
    if (seen.size() != waiting || !only_drain_messages(seen)) return false;
  }
  return true;
}

void Shard::drain_finish() { connections_.close_all(CloseReason::drain); }

void Shard::drain_abort() {
  dialer_.drain();
  connections_.abort_all(CloseReason::drain);
}

void Shard::teardown() {
  ASSERT(connections_.open_count() == 0);
  while (backlog_head_ != backlog_.size()) connections_.on_completion(backlog_[backlog_head_++]);
  const auto drop = [this](const Message& message) {
    dispose(message, [this](int socket) { io_.close(socket); });
  };
  for (std::uint32_t other = 0; other < post_.shard_count(); ++other) {
    std::for_each(post_.queue(other).items().begin(), post_.queue(other).items().end(), drop);
    post_.queue(other).clear();
    Message message;
    while (port_.from[other] && port_.from[other]->try_pop(message)) drop(message);
  }
  listeners_.clear();
  actors_.clear();
  services_.clear();
}

ShardReport Shard::report() const {
  ShardReport report;
  report.index = options_.index;
  report.counters = counters_;
  report.counters.log_appended_bytes = connections_.log_appended_bytes();
  report.lane_sent = lane_sent_;
  report.lane_received = lane_received_;
  report.turn_times = turn_times_;
  report.connections_open = connections_.open_count();
  report.buffer_bytes = buffers_.taken_bytes();
  return report;
}

}  // namespace ringpost::engine
