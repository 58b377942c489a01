// What a line of a broadcast costs a shard: appended once, then gathered and consumed by each
// member at the end of the turn. Shown per line and per delivery, without the sends. Writing the
// same line into every member's outbox is what the log saves.

#include <benchmark/benchmark.h>

#include <deque>
#include <string>

#include "tests/engine/net/test_link.h"

namespace {

using namespace ringpost::engine;

constexpr std::size_t line_bytes = 64;
constexpr std::size_t send_bytes_max = 1 << 20;

// Arguments: members, lines of a turn. An iteration is a turn.
struct Shape {
  explicit Shape(const benchmark::State& state) : members(state.range(0)), lines(state.range(1)) {}
  std::int64_t members, lines;
};

void finish(benchmark::State& state, const Shape& shape) {
  using benchmark::Counter;
  const auto lines = static_cast<double>(state.iterations() * shape.lines);
  const auto deliveries = lines * static_cast<double>(shape.members);
  state.counters["line"] = Counter(lines, Counter::kIsRate | Counter::kInvert);
  state.counters["delivery"] = Counter(deliveries, Counter::kIsRate | Counter::kInvert);
}

void send_all(TestLink& link) {
  SendRequest request;
  while (const std::size_t bytes = link.out().gather(request, send_bytes_max)) {
    link.out().consume(bytes);
  }
}

struct Member {
  Member(LinkWorld& world, std::uint32_t slot) : link(world, slot) {}
  TestLink link;
  Follower follower;
};

std::deque<Member> members_of(LinkWorld& world, const Shape& shape) {
  std::deque<Member> members;
  for (std::int64_t i = 0; i < shape.members; ++i) {
    members.emplace_back(world, static_cast<std::uint32_t>(i));
  }
  return members;
}

void ThroughTheLog(benchmark::State& state) {
  const Shape shape(state);
  const std::string line(line_bytes, 'l');
  LinkWorld world;
  FanOutLog log(world.turn, UINT64_MAX);
  std::deque<Member> members = members_of(world, shape);
  for (Member& member : members) member.link.follow(member.follower, log);
  for (auto _ : state) {
    for (std::int64_t i = 0; i < shape.lines; ++i) {
      log.append(world.payloads.make(line), ActorRef());
    }
    world.turn.appended.clear();  // as the shard's loop does with it
    log.end_turn();
    for (Member& member : members) {
      member.link.untouch();
      send_all(member.link);
    }
  }
  finish(state, shape);
  for (Member& member : members) member.link.unfollow();
}

void IntoEveryOutbox(benchmark::State& state) {
  const Shape shape(state);
  LinkWorld world;
  std::deque<Member> members = members_of(world, shape);
  const Payload line = world.payloads.make(std::string(line_bytes, 'l'));
  for (auto _ : state) {
    for (Member& member : members) {
      for (std::int64_t i = 0; i < shape.lines; ++i) member.link.out().write(line);
      send_all(member.link);
    }
  }
  finish(state, shape);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"members", "lines"});
  for (const std::int64_t members : {1, 100, 1'000}) {
    for (const std::int64_t lines : {1, 64}) bench->Args({members, lines});
  }
}

BENCHMARK(ThroughTheLog)->Apply(shapes);
BENCHMARK(IntoEveryOutbox)->Apply(shapes);

}  // namespace

BENCHMARK_MAIN();
