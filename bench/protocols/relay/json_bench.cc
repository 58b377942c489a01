// What the JSON of the message relay costs, by shape: a registration, a publication by the bytes of
// its message, one whose message is full of escapes, and a request for four topics. The bytes are
// the body's.

#include <benchmark/benchmark.h>

#include <string>

#include "engine/base/assert.h"
#include "protocols/relay/json_parser.h"

namespace {

using namespace ringpost::relay;

template <typename Parsed>
void parse(benchmark::State& state, const std::string& text, Parsed parsed) {
  JsonParser parser(256);
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    benchmark::ClobberMemory();
    const Errc errc = parser.parse(text, parsed);
    ASSERT(errc == Errc::none);
    benchmark::DoNotOptimize(parsed);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}

std::string publication_of(const std::string& message) {
  return R"({"topic":"tech","message":")" + message + "\"}";
}

void ParseRegistration(benchmark::State& state) {
  parse(state, R"({"user_id":123456})", Registration());
}

void ParsePublication(benchmark::State& state) {
  const std::string message(static_cast<std::size_t>(state.range(0)), 'm');
  parse(state, publication_of(message), Publication());
}

void ParseEscapes(benchmark::State& state) {
  std::string message;
  for (int i = 0; i < 512; ++i) message += "words\\n";
  parse(state, publication_of(message), Publication());
}

void ParseTopics(benchmark::State& state) {
  parse(state, R"({"topics":["cats","dogs","tech","news"]})", TopicsRequest());
}

BENCHMARK(ParseRegistration);
BENCHMARK(ParsePublication)->Arg(64)->Arg(4096);
BENCHMARK(ParseEscapes);
BENCHMARK(ParseTopics);

}  // namespace

BENCHMARK_MAIN();
