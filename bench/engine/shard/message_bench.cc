// What a message between actors costs: into the queue of its target (Mailbox), and delivered, by
// real shards on cores of their own: to an actor of the same shard, and through a lane to another
// shard. A burst is so many tells and an ask behind them whose answer starts the next burst: a
// burst of one is ask and reply, a long one shows the throughput.
//
// `message` is the time per message, answers not counted; `burst` the time from ask to answer.

#include <benchmark/benchmark.h>
#include <sched.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "engine/shard/shard_group.h"

namespace {

using namespace ringpost::engine;

constexpr std::uint16_t kind_start = kind_protocol_first;  // body: how many bursts
constexpr std::uint16_t kind_word = kind_protocol_first + 1;
constexpr std::uint16_t kind_answer = kind_protocol_first + 2;

constexpr std::uint32_t slot_listener = 1, slot_talker = 2;
constexpr std::uint64_t bursts_per_round = 2'000;  // so that starting a round does not count

void Mailbox(benchmark::State& state) {
  const auto burst = static_cast<std::uint64_t>(state.range(0));
  Post post(0, 1);
  const ActorRef self = ActorRef::actor(0, slot_listener, 1);
  std::uint64_t told = 0;
  for (auto _ : state) {
    post.tell(self, self, kind_word).put(told);
    if (++told % burst == 0) {
      benchmark::DoNotOptimize(post.queue(0).items().data());
      post.queue(0).clear();
    }
  }
}
BENCHMARK(Mailbox)->ArgName("burst")->Arg(1)->Arg(64)->Arg(4'096);

class Listener final : public Actor {
 public:
  explicit Listener(Shard& shard) : post_(shard.post()) {}

  void receive(std::span<const Message> run) override {
    for (const Message& message : run) {
      heard_ += message.value;
      if (message.is_ask) post_.answer(message, kind_answer).value = heard_;
    }
  }

 private:
  Post& post_;
  std::uint32_t heard_ = 0;
};

class Talker final : public Actor {
 public:
  Talker(Shard& shard, ActorRef listener, std::uint64_t burst, std::atomic<std::uint64_t>& rounds)
      : post_(shard.post()), listener_(listener), burst_(burst), rounds_(rounds) {}

  void receive(std::span<const Message> run) override {
    for (const Message& message : run) {
      if (message.kind == kind_start) bursts_left_ = message.get<std::uint64_t>();
      if (bursts_left_-- > 0) {
        say_burst();
      } else {
        rounds_.fetch_add(1, std::memory_order_release);  // pairs with the wait in Talk::round
        rounds_.notify_one();
      }
    }
  }

 private:
  void say_burst() {
    const ActorRef self = ActorRef::actor(post_.shard(), slot_talker, 1);
    for (std::uint64_t i = 1; i < burst_; ++i) post_.tell(listener_, self, kind_word).value = 1;
    post_.ask(listener_, self, kind_word, 0).value = 1;
  }

  Post& post_;
  ActorRef listener_;
  std::uint64_t burst_;
  std::uint64_t bursts_left_ = 0;
  std::atomic<std::uint64_t>& rounds_;
};

std::vector<std::uint32_t> two_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::vector<std::uint32_t> cpus;
  for (std::uint32_t cpu = 0; cpu < CPU_SETSIZE && cpus.size() < 2; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  if (cpus.size() < 2) cpus.push_back(cpus.front());
  return cpus;
}

// Two shards; the talker is on the first, and its listener on the first or the second.
class Talk {
 public:
  Talk(std::uint32_t listening_shard, std::uint64_t burst) : group_(options()) {
    const auto failed = group_.start([&](Shard& shard) {
      shard.spawn_at(slot_listener, std::make_unique<Listener>(shard));
      const ActorRef listener = ActorRef::actor(listening_shard, slot_listener, 1);
      shard.spawn_at(slot_talker, std::make_unique<Talker>(shard, listener, burst, rounds_));
    });
    if (failed) {
      std::fprintf(stderr, "message_bench: %s\n", failed->c_str());
      std::exit(1);
    }
  }
  ~Talk() {
    group_.drain_at_once();
    group_.join();
  }

  void round() {
    const std::uint64_t before = rounds_.load(std::memory_order_relaxed);  // nobody talks now
    Message start{};
    start.to = ActorRef::actor(0, slot_talker, 1);
    start.kind = kind_start;
    start.put(bursts_per_round);
    group_.post(start);
    rounds_.wait(before, std::memory_order_acquire);  // pairs with the end of a round
  }

 private:
  static ShardGroupOptions options() {
    ShardGroupOptions options;
    options.cpus = two_cpus();
    // What the daemon does where each shard has a core.
    if (options.cpus[0] != options.cpus[1]) options.shard.spin_nanos = 50 * nanos_per_us;
    return options;
  }

  std::atomic<std::uint64_t> rounds_ = 0;
  ShardGroup group_;
};

void talk(benchmark::State& state, std::uint32_t listening_shard) {
  const auto burst = static_cast<std::uint64_t>(state.range(0));
  Talk talk(listening_shard, burst);
  for (auto _ : state) talk.round();
  using benchmark::Counter;
  const auto bursts =
      static_cast<double>(static_cast<std::uint64_t>(state.iterations()) * bursts_per_round);
  state.counters["burst"] = Counter(bursts, Counter::kIsRate | Counter::kInvert);
  state.counters["message"] =
      Counter(bursts * static_cast<double>(burst), Counter::kIsRate | Counter::kInvert);
}

void SameShard(benchmark::State& state) { talk(state, 0); }
void AcrossShards(benchmark::State& state) { talk(state, 1); }

BENCHMARK(SameShard)->ArgName("burst")->Arg(1)->Arg(64)->Arg(1'024)->UseRealTime();
BENCHMARK(AcrossShards)->ArgName("burst")->Arg(1)->Arg(64)->Arg(1'024)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
