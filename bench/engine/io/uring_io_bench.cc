// What the seam costs on this kernel: a turn with nothing to do (no system call), an enter with
// nothing in it, the start-up self-test, 64-byte messages over loopback TCP with both ends on one
// ring (so a message counts a send and a receive), and the wake of a sleeping ring. Compare with
// the bare system calls beside them, in one run.

#include <benchmark/benchmark.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "engine/base/kernel_owned.h"
#include "engine/io/socket.h"
#include "engine/io/uring_check.h"
#include "engine/io/uring_io.h"
#include "engine/ring/parker.h"

namespace ringpost::engine {
namespace {

class OpenGate final : public SleepGate {
 public:
  bool work_pending() const override { return false; }
  bool try_enter_sleep() override { return true; }
  void leave_sleep() override {}
};

struct Engine {
  MonotonicClock clock;
  KernelOwned kernel_owned;
  OpenGate gate;
  std::unique_ptr<UringIo> io =
      std::move(UringIo::open({.clock = clock, .kernel_owned = kernel_owned}).value());

  Engine() {
    const int peers[] = {io->ring_fd()};
    io->set_peers(peers);
  }
};

void empty_turn(benchmark::State& state) {
  Engine engine;
  engine.io->turn({.deadline = 0, .completions_max = 64}, engine.gate);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        engine.io->turn({.deadline = 0, .completions_max = 64}, engine.gate).data());
  }
}
BENCHMARK(empty_turn);

// A message from the ring to itself is the smallest reason for an enter.
void turn_with_one_enter(benchmark::State& state) {
  Engine engine;
  for (auto _ : state) {
    engine.io->wake(0);
    engine.io->turn({.deadline = 0, .completions_max = 64}, engine.gate);
  }
}
BENCHMARK(turn_with_one_enter);

void bare_system_call(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(syscall(SYS_getppid));
}
BENCHMARK(bare_system_call);

void self_test(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(check_io_uring({}).has_value());
}
BENCHMARK(self_test)->Unit(benchmark::kMicrosecond);

struct Stream {
  Fd near;
  Fd far;
};

Stream connect_stream() {
  const Fd listener = listen_on(parse_address("127.0.0.1:0").value(), {}).value();
  const SocketAddress address = local_address(listener).value();
  const Fd near = open_stream(address, {}).value();
  if (::connect(near, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) {
    std::abort();
  }
  const Fd far = ::accept(listener, nullptr, nullptr);
  ::close(listener);
  return {near, far};
}

std::array<char, 64> message = {};

// All connections send, then everything is awaited: how a turn shares its enter.
void messages_over_the_ring(benchmark::State& state) {
  Engine engine;
  const auto count = static_cast<std::uint32_t>(state.range(0));
  std::vector<Stream> streams;
  std::vector<SendRequest> requests(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    streams.push_back(connect_stream());
    engine.io->receive(streams[i].far, OpToken::make(OpKind::receive, i, 0), false);
    requests[i].parts[0] = {message.data(), message.size()};
    requests[i].part_count = 1;
    requests[i].bytes = message.size();
  }
  for (auto _ : state) {
    for (std::uint32_t i = 0; i < count; ++i) {
      engine.io->send(streams[i].near, requests[i], OpToken::make(OpKind::send, i, 0));
    }
    for (std::uint32_t awaited = 2 * count; awaited > 0;) {
      for (const Completion& completion :
           engine.io->turn({.deadline = never, .completions_max = 256}, engine.gate)) {
        if (completion.has_buffer) engine.io->give_back(completion.buffer);
        --awaited;
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * count);
  state.counters["enters/message"] =
      static_cast<double>(engine.io->counters().enters) /
      (static_cast<double>(state.iterations()) * static_cast<double>(count));
  engine.io.reset();
  for (const Stream& stream : streams) {
    ::close(stream.near);
    ::close(stream.far);
  }
}
BENCHMARK(messages_over_the_ring)->Arg(1)->Arg(16)->Arg(64);

void messages_by_bare_calls(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<Stream> streams;
  for (std::size_t i = 0; i < count; ++i) streams.push_back(connect_stream());
  std::array<char, 4096> target;
  for (auto _ : state) {
    for (const Stream& stream : streams) {
      benchmark::DoNotOptimize(::send(stream.near, message.data(), message.size(), MSG_NOSIGNAL));
    }
    for (const Stream& stream : streams) {
      benchmark::DoNotOptimize(::recv(stream.far, target.data(), target.size(), 0));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
  for (const Stream& stream : streams) {
    ::close(stream.near);
    ::close(stream.far);
  }
}
BENCHMARK(messages_by_bare_calls)->Arg(1)->Arg(16)->Arg(64);

// One word of mail each way, both sleeping in between.
struct Side {
  Parker parker;
  std::atomic<std::uint64_t> mail = 0;
  std::atomic<int> ring_fd = -1;
};

class MailGate final : public SleepGate {
 public:
  explicit MailGate(Side& side) : side_(side) {}
  bool work_pending() const override { return side_.mail.load(std::memory_order_acquire) > seen; }
  bool try_enter_sleep() override {
    side_.parker.announce_sleep();
    if (!work_pending()) return true;
    side_.parker.awake();
    return false;
  }
  void leave_sleep() override { side_.parker.awake(); }

  std::uint64_t seen = 0;

 private:
  Side& side_;
};

void tell(Engine& engine, Side& other) {
  other.mail.fetch_add(1, std::memory_order_release);
  if (other.parker.claim_wake()) engine.io->wake(0);
}

void await(Engine& engine, MailGate& gate, Nanos spin) {
  while (!gate.work_pending()) {
    engine.io->turn({.deadline = never, .spin = spin, .completions_max = 4}, gate);
  }
  ++gate.seen;
}

void meet(Engine& engine, Side& own, Side& other) {
  own.ring_fd.store(engine.io->ring_fd());
  while (other.ring_fd.load() < 0) std::this_thread::yield();
  const int peers[] = {other.ring_fd.load()};
  engine.io->set_peers(peers);
}

// Round trips between two threads; the argument is the time to spin before sleeping.
void wake_round_trip(benchmark::State& state) {
  const Nanos spin = state.range(0);
  std::array<Side, 2> sides;
  std::atomic<bool> stop = false;
  std::thread echo([&] {
    Engine engine;
    meet(engine, sides[1], sides[0]);
    MailGate gate(sides[1]);
    for (;;) {
      await(engine, gate, spin);
      if (stop.load()) break;
      tell(engine, sides[0]);
    }
  });
  Engine engine;
  meet(engine, sides[0], sides[1]);
  MailGate gate(sides[0]);
  for (auto _ : state) {
    tell(engine, sides[1]);
    await(engine, gate, spin);
  }
  stop.store(true);
  tell(engine, sides[1]);
  engine.io->turn({.deadline = 0, .completions_max = 4}, gate);
  echo.join();
  state.counters["sleeps/round"] =
      static_cast<double>(engine.io->counters().sleeps) / static_cast<double>(state.iterations());
}
BENCHMARK(wake_round_trip)->Arg(0)->Arg(50'000)->UseRealTime();

}  // namespace
}  // namespace ringpost::engine

BENCHMARK_MAIN();
