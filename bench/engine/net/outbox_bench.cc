// What an answer costs on its way out: written into the Outbox, gathered with so many others into
// one send, and consumed. Without the send itself. memcpy of the same bytes is the floor.

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/engine/net/test_link.h"

namespace {

using namespace ringpost::engine;

constexpr std::size_t send_bytes_max = 1 << 20;

// Arguments: bytes of an answer, answers of a turn. An iteration is an answer.
struct Shape {
  explicit Shape(const benchmark::State& state)
      : bytes(static_cast<std::size_t>(state.range(0))), answers(state.range(1)) {}
  std::size_t bytes;
  std::int64_t answers;
};

void finish(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0));
  state.SetItemsProcessed(state.iterations());
}

void send_all(Outbox& outbox) {
  SendRequest request;
  while (const std::size_t bytes = outbox.gather(request, send_bytes_max)) outbox.consume(bytes);
}

template <typename WriteOne>
void turns(benchmark::State& state, WriteOne&& write_one) {
  const Shape shape(state);
  LinkWorld world;
  TestLink link(world);
  std::int64_t written = 0;
  for (auto _ : state) {
    write_one(world, link, shape.bytes);
    if (++written % shape.answers == 0) send_all(link.out());
  }
  finish(state);
}

void Write(benchmark::State& state) {
  const std::string answer(Shape(state).bytes, 'a');
  turns(state, [&](LinkWorld&, TestLink& link, std::size_t) { link.out().write(answer); });
}

void ReserveAndCommit(benchmark::State& state) {
  turns(state, [](LinkWorld&, TestLink& link, std::size_t bytes) {
    std::memset(link.out().reserve(bytes), 'a', bytes);
    link.out().commit(bytes);
  });
}

// The same answer for all: by reference once it is large.
void WritePayload(benchmark::State& state) {
  PayloadPool payloads;
  const Payload answer = payloads.make(std::string(Shape(state).bytes, 'a'));
  turns(state, [&](LinkWorld&, TestLink& link, std::size_t) { link.out().write(answer); });
}

void Memcpy(benchmark::State& state) {
  const Shape shape(state);
  const std::string answer(shape.bytes, 'a');
  std::vector<char> out(shape.bytes * static_cast<std::size_t>(shape.answers));
  std::int64_t written = 0;
  for (auto _ : state) {
    const auto at = static_cast<std::size_t>(written++ % shape.answers) * shape.bytes;
    std::memcpy(out.data() + at, answer.data(), shape.bytes);
    benchmark::ClobberMemory();
  }
  finish(state);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"bytes", "answers"});
  for (const std::int64_t bytes : {8, 64, 1'024, 16'384}) {
    for (const std::int64_t answers : {1, 16}) bench->Args({bytes, answers});
  }
}

BENCHMARK(Write)->Apply(shapes);
BENCHMARK(ReserveAndCommit)->Apply(shapes);
BENCHMARK(WritePayload)->Apply(shapes);
BENCHMARK(Memcpy)->Apply(shapes);

}  // namespace

BENCHMARK_MAIN();
