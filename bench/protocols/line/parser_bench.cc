// What cutting one line costs, in a buffer of 16 KiB that is full of lines of one length, and what
// a call of memchr per line would cost instead; and what it costs when the buffer comes in segments
// that cut lines anywhere. `each` is the time per line.

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "protocols/line/parser.h"

namespace {

using ringpost::engine::Bytes;
using ringpost::line::LineEnd;
using ringpost::line::LineParser;
using ringpost::line::LineResult;
using ringpost::line::LineStatus;

constexpr std::size_t buffer_bytes = 16 * 1024;

// Whole lines of `payload` bytes, as many as fit. Requires: they fit once.
std::string lines_of(std::size_t payload, const char* end) {
  const std::string line = std::string(payload, 'x') + end;
  std::string lines;
  while (lines.size() + line.size() <= buffer_bytes) lines += line;
  return lines;
}

void count_lines(benchmark::State& state, std::size_t lines, std::size_t bytes) {
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["each"] =
      benchmark::Counter(rounds * static_cast<double>(lines),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

void parse_lines(benchmark::State& state, LineEnd line_end, const char* end) {
  const std::string lines = lines_of(static_cast<std::size_t>(state.range(0)), end);
  LineParser parser(line_end, 65'536);
  std::size_t count = 0;
  for (auto _ : state) {
    Bytes input = lines;
    count = 0;
    for (;;) {
      const LineResult r = parser.next(input);
      if (r.status != LineStatus::line) break;
      benchmark::DoNotOptimize(r.line);
      input.remove_prefix(r.consumed);
      ++count;
    }
  }
  count_lines(state, count, lines.size());
}

void LineParserAny(benchmark::State& state) { parse_lines(state, LineEnd::any, "\n"); }
void LineParserCrlf(benchmark::State& state) { parse_lines(state, LineEnd::crlf, "\r\n"); }

void MemchrPerLine(benchmark::State& state) {
  const std::string lines = lines_of(static_cast<std::size_t>(state.range(0)), "\n");
  std::size_t count = 0;
  for (auto _ : state) {
    Bytes input = lines;
    count = 0;
    while (const void* const end = std::memchr(input.data(), '\n', input.size())) {
      const auto bytes = static_cast<std::size_t>(static_cast<const char*>(end) - input.data());
      Bytes line = input.substr(0, bytes);
      benchmark::DoNotOptimize(line);
      input.remove_prefix(bytes + 1);
      ++count;
    }
  }
  count_lines(state, count, lines.size());
}

// Calls the parser until it needs more. Returns how many bytes it consumed; counts the lines.
std::size_t parse_all(LineParser& parser, Bytes input, std::size_t& count) {
  const std::size_t bytes = input.size();
  for (;;) {
    const LineResult r = parser.next(input);
    if (r.status != LineStatus::line) return bytes - input.size();
    benchmark::DoNotOptimize(r.line);
    input.remove_prefix(r.consumed);
    ++count;
  }
}

// The same lines in segments: what is left of one is put in front of the next, in a buffer beside.
void LinesInSegments(benchmark::State& state) {
  const std::string lines = lines_of(static_cast<std::size_t>(state.range(0)), "\n");
  const auto segment = static_cast<std::size_t>(state.range(1));
  LineParser parser(LineEnd::any, 65'536);
  std::string held;
  held.reserve(2 * buffer_bytes);
  std::size_t count = 0;
  for (auto _ : state) {
    count = 0;
    for (std::size_t at = 0; at < lines.size(); at += segment) {
      const Bytes piece = Bytes(lines).substr(at, segment);
      if (held.empty()) {
        held = piece.substr(parse_all(parser, piece, count));
      } else {
        held += piece;
        held.erase(0, parse_all(parser, held, count));
      }
    }
  }
  count_lines(state, count, lines.size());
}

// A long line that comes in segments: linear, because no byte is scanned twice.
void LongLineInSegments(benchmark::State& state) {
  const std::string line = std::string(65'536, 'x') + "\n";
  const auto segment = static_cast<std::size_t>(state.range(0));
  LineParser parser(LineEnd::any, 65'536);
  for (auto _ : state) {
    for (std::size_t bytes = segment; bytes < line.size(); bytes += segment)
      benchmark::DoNotOptimize(parser.next(Bytes(line).substr(0, bytes)));
    benchmark::DoNotOptimize(parser.next(line));
  }
  count_lines(state, 1, line.size());
}

BENCHMARK(LineParserAny)->Arg(3)->Arg(12)->Arg(40)->Arg(64)->Arg(1000);
BENCHMARK(LineParserCrlf)->Arg(3)->Arg(12)->Arg(40)->Arg(64)->Arg(1000);
BENCHMARK(MemchrPerLine)->Arg(3)->Arg(12)->Arg(40)->Arg(64)->Arg(1000);
BENCHMARK(LinesInSegments)->Args({12, 1448})->Args({12, 100})->Args({64, 1448})->Args({64, 100});
BENCHMARK(LongLineInSegments)->Arg(64)->Arg(1448);

}  // namespace

BENCHMARK_MAIN();
