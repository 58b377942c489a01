#include "tests/sim/toy_echo.h"

#include <cerrno>
#include <cinttypes>

namespace ringpost::sim {

using engine::Completion;
using engine::Fd;
using engine::nanos_per_ms;
using engine::never;
using engine::no_fd;
using engine::OpKind;
using engine::OpToken;
using engine::Shutdown;

namespace {

constexpr engine::Nanos accept_backoff = 100 * nanos_per_ms;
constexpr std::size_t completions_max = 16;

}  // namespace

ToyEcho::ToyEcho(SimWorld& world, std::uint32_t shard, std::vector<std::unique_ptr<ToyEcho>>& all,
                 ToyBug bug)
    : world_(world), io_(world.io(shard)), shard_(shard), all_(all), bug_(bug) {}

void ToyEcho::listen(Fd listener) { listener_ = listener; }

void ToyEcho::stop() { is_stopping_ = true; }

OpToken ToyEcho::token(OpKind kind, std::uint32_t slot) const {
  return OpToken::make(kind, slot, kind == OpKind::accept ? 0 : connections_[slot].generation);
}

bool ToyEcho::try_enter_sleep() {
  parker_.announce_sleep();
  if (mailbox_.empty() || bug_ == ToyBug::careless_sleep) return true;
  parker_.awake();
  return false;
}

void ToyEcho::turn() {
  const engine::Nanos now = world_.clock().now();
  if (listener_ != no_fd && !is_accepting_ && (accept_again_ == never || accept_again_ <= now)) {
    if (is_stopping_) {
      io_.close(listener_);
      listener_ = no_fd;
    } else {
      io_.accept(listener_, token(OpKind::accept, 0));
      is_accepting_ = true;
      accept_again_ = never;
    }
  } else if (is_stopping_ && is_accepting_) {
    io_.cancel(token(OpKind::accept, 0));
  }
  const engine::TurnLimits limits{
      .deadline = accept_again_, .spin = 1000, .completions_max = completions_max};
  for (const Completion& completion : io_.turn(limits, *this)) on_completion(completion);
  while (!mailbox_.empty()) {
    adopt(mailbox_.front());
    mailbox_.pop_front();
  }
}

void ToyEcho::adopt(Fd fd) {
  std::uint32_t slot;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(connections_.size());
    connections_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  Connection& connection = connections_[slot];
  const std::uint32_t generation = connection.generation;
  connection = {};
  connection.fd = fd;
  connection.generation = generation;
  ++open_count_;
  start_receive(slot, false);
}

void ToyEcho::on_completion(const Completion& completion) {
  const std::uint32_t slot = completion.token.slot();
  switch (completion.token.kind()) {
    case OpKind::accept:
      return on_accept(completion);
    case OpKind::receive:
      return on_receive(slot, completion);
    case OpKind::send:
      return on_sent(slot, completion.result);
    default:
      sim_fail("a completion of an unknown kind");
  }
}

void ToyEcho::on_accept(const Completion& completion) {
  if (!completion.more) {
    is_accepting_ = bug_ == ToyBug::accept_ends;
    if (completion.result < 0 && completion.result != -ECONNABORTED) {
      accept_again_ = world_.clock().now() + accept_backoff;
    }
  }
  if (completion.result < 0) return;
  const std::uint32_t target = next_target_++ % static_cast<std::uint32_t>(all_.size());
  all_[target]->mailbox_.push_back(completion.result);
  if (target == shard_ || bug_ == ToyBug::lost_wake) return;
  if (all_[target]->parker_.claim_wake()) io_.wake(target);
}

void ToyEcho::start_receive(std::uint32_t slot, bool when_readable) {
  connections_[slot].is_receiving = true;
  io_.receive(connections_[slot].fd, token(OpKind::receive, slot), when_readable);
}

void ToyEcho::on_receive(std::uint32_t slot, const Completion& completion) {
  Connection& connection = connections_[slot];
  if (completion.has_buffer) {
    if (bug_ == ToyBug::buffer_early) io_.give_back(completion.buffer);
    if (completion.result > 0 && !connection.is_closing) {
      connection.pending.append(completion.data, static_cast<std::size_t>(completion.result));
    }
    const bool is_leak = bug_ == ToyBug::leaked_buffer && connection.is_closing;
    if (!is_leak && bug_ != ToyBug::buffer_early) io_.give_back(completion.buffer);
    if (bug_ == ToyBug::buffer_twice && world_.prng().one_in(64)) io_.give_back(completion.buffer);
  }
  if (!completion.more) {
    connection.is_receiving = false;
    if (completion.result == -ENOBUFS && !connection.is_closing) {
      if (bug_ != ToyBug::starved_for_ever) start_receive(slot, true);
    } else if (completion.result > 0 && !connection.is_closing) {
      if (bug_ != ToyBug::lost_rearm) start_receive(slot, false);
    } else {
      connection.has_ended = true;
      if (completion.result < 0) close_begin(slot);
    }
  }
  flush(slot);
  close_if_idle(slot);
}

void ToyEcho::flush(std::uint32_t slot) {
  Connection& connection = connections_[slot];
  if (connection.pending.empty() || connection.is_closing) return;
  if (connection.is_sending && bug_ != ToyBug::two_sends) {
    if (bug_ == ToyBug::early_reuse) connection.sending[0] = connection.pending[0];
    return;
  }
  connection.sending = std::move(connection.pending);
  connection.pending.clear();
  connection.request.parts[0] = {connection.sending.data(), connection.sending.size()};
  connection.request.part_count = 1;
  connection.request.bytes = static_cast<std::uint32_t>(connection.sending.size());
  connection.is_sending = true;
  io_.send(connection.fd, connection.request, token(OpKind::send, slot));
}

void ToyEcho::on_sent(std::uint32_t slot, std::int32_t result) {
  Connection& connection = connections_[slot];
  connection.is_sending = false;
  if (result < static_cast<std::int32_t>(connection.request.bytes)) close_begin(slot);
  flush(slot);
  close_if_idle(slot);
}

void ToyEcho::close_begin(std::uint32_t slot) {
  Connection& connection = connections_[slot];
  if (connection.is_closing) return;
  connection.is_closing = true;
  io_.shutdown(connection.fd, Shutdown::both);
  if (connection.is_receiving) io_.cancel(token(OpKind::receive, slot));
  if (connection.is_sending) io_.cancel(token(OpKind::send, slot));
}

void ToyEcho::close_if_idle(std::uint32_t slot) {
  Connection& connection = connections_[slot];
  if (connection.fd == no_fd) return;
  const bool is_done = connection.has_ended && connection.pending.empty() && !connection.is_sending;
  if (!connection.is_closing && !is_done) return;
  const bool is_hasty = bug_ == ToyBug::close_under_operation || bug_ == ToyBug::stale_completion;
  if (connection.is_sending || (connection.is_receiving && !is_hasty)) return;
  if (bug_ == ToyBug::leaked_socket && connection.is_closing) return;
  if (!connection.is_receiving || bug_ == ToyBug::close_under_operation) io_.close(connection.fd);
  connection.fd = no_fd;
  connection.generation += bug_ == ToyBug::stale_completion ? 0 : 1;
  --open_count_;
  free_slots_.push_back(slot);
}

// --- clients

ToyClient::ToyClient(SimWorld& world, std::uint32_t number, std::size_t bytes, Ending ending)
    : SimClient(world, number), ending_(ending), ends_after_(world.prng().below(bytes + 1)) {
  for (std::size_t i = 0; i < bytes; ++i) {
    said_.push_back(static_cast<char>('a' + world.prng().below(26)));
  }
}

void ToyClient::on_connected() {
  send(said_);
  if (ending_ == Ending::half_close) half_close();
}

void ToyClient::on_data(std::string_view bytes) {
  SIM_CHECK(said_.compare(heard_, bytes.size(), bytes) == 0,
            "client %u hears something else than it said, at byte %zu", number(), heard_);
  heard_ += bytes.size();
}

void ToyClient::on_end() {
  SIM_CHECK(ending_ == Ending::half_close && heard_ == said_.size(),
            "client %u: the end came after %zu of %zu bytes", number(), heard_, said_.size());
  close();
}

void ToyClient::on_broken(int) {}

bool ToyClient::on_step() {
  if (ending_ == Ending::half_close || heard_ < ends_after_) return false;
  ending_ == Ending::reset ? reset() : close();
  return false;
}

ToyResult run_toy(std::uint64_t seed, std::uint32_t shard_count, const SimFaults& faults,
                  ToyBug bug) {
  SimWorld world(seed, shard_count, faults);
  set_sim_report("toy --seed " + std::to_string(seed) + " --shards " + std::to_string(shard_count) +
                 " faults: " + faults.to_text());
  const Fd listener = world.network().listen();
  const std::uint16_t port = world.network().port_of(listener);
  std::vector<std::unique_ptr<ToyEcho>> shards;
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    shards.push_back(std::make_unique<ToyEcho>(world, shard, shards, bug));
    world.set_shard(shard, shards.back().get());
  }
  shards[0]->listen(listener);

  std::vector<std::unique_ptr<ToyClient>> clients;
  const auto add_client = [&] {
    const auto ending = static_cast<ToyClient::Ending>(world.prng().below(3));
    clients.push_back(std::make_unique<ToyClient>(world, static_cast<std::uint32_t>(clients.size()),
                                                  world.prng().below(2000), ending));
    clients.back()->set_pace(SimPace::draw(world.prng()));
    clients.back()->connect(port);
  };
  constexpr std::uint64_t events = 3000;
  while (world.event_count() < events) {
    if (clients.size() < 20 && world.prng().one_in(50)) add_client();
    if (!world.step()) add_client();
  }
  world.heal();
  for (const auto& client : clients) client->set_pace({});
  world.run_until("all clients are served", 100 * engine::nanos_per_s, 1'000'000, [&] {
    for (const auto& client : clients) {
      if (!client->is_over()) return false;
    }
    for (const auto& shard : shards) {
      if (shard->open_count() != 0) return false;
    }
    return true;
  });
  shards[0]->stop();
  world.io(0).wake_from_any_thread();
  world.run_until("the server stops", engine::nanos_per_s, 100'000,
                  [&] { return world.network().open_count() == 0; });
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    SIM_CHECK(world.io(shard).buffers_out() == 0, "shard %u keeps %zu buffers", shard,
              world.io(shard).buffers_out());
    SIM_CHECK(world.io(shard).in_flight_count() == 0, "shard %u leaves operations in flight",
              shard);
    SIM_CHECK(world.kernel_owned(shard).count() == 0, "shard %u: the kernel owns memory", shard);
  }
  return {world.trace().hash(), world.event_count(), world.io(0).counters()};
}

}  // namespace ringpost::sim
