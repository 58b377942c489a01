// What a chat line costs between the bytes that came in and the bytes that go out to all peers:
// checking, encoding, and both behind the cutting of lines. memcpy of the same bytes is the floor.

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "protocols/chat/format.h"
#include "protocols/chat/parser.h"
#include "protocols/chat/writer.h"
#include "protocols/line/parser.h"

namespace {

using namespace ringpost::chat;
using ringpost::engine::Bytes;

std::string message(const benchmark::State& state) {
  return std::string(static_cast<std::size_t>(state.range(0)), 'm');
}

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.range(0) * state.iterations());
}

void CheckMessage(benchmark::State& state) {
  const std::string text = message(state);
  for (auto _ : state) benchmark::DoNotOptimize(check_message(text));
  count_bytes(state);
}

void Encode(benchmark::State& state) {
  const std::string text = message(state);
  std::vector<char> out(encoded_bytes("alice", text));
  for (auto _ : state) {
    benchmark::DoNotOptimize(encode("alice", text, out.data()));
    benchmark::ClobberMemory();
  }
  count_bytes(state);
}

void Memcpy(benchmark::State& state) {
  const std::string text = message(state);
  std::vector<char> out(text.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::memcpy(out.data(), text.data(), text.size()));
    benchmark::ClobberMemory();
  }
  count_bytes(state);
}

// A read of 16 KiB full of lines: cut, check, encode behind one another.
void WholeRead(benchmark::State& state) {
  const std::string line = message(state) + "\r\n";
  std::string read;
  while (read.size() + line.size() <= 16 * 1024) read += line;
  std::vector<char> out(read.size() * 4);
  ringpost::line::LineParser lines(ringpost::line::LineEnd::crlf, line_bytes_max_default);
  std::size_t count = 0;
  for (auto _ : state) {
    Bytes input = read;
    char* at = out.data();
    count = 0;
    for (;;) {
      const ringpost::line::LineResult r = lines.next(input);
      if (r.status != ringpost::line::LineStatus::line) break;
      input.remove_prefix(r.consumed);
      if (!check_message(r.line)) at = encode("alice", r.line, at);
      ++count;
    }
    benchmark::ClobberMemory();
  }
  state.counters["each"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(count),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK(CheckMessage)->Arg(5)->Arg(64)->Arg(1000)->Arg(65'536);
BENCHMARK(Encode)->Arg(5)->Arg(64)->Arg(1000)->Arg(65'536);
BENCHMARK(Memcpy)->Arg(5)->Arg(64)->Arg(1000)->Arg(65'536);
BENCHMARK(WholeRead)->Arg(5)->Arg(64)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
