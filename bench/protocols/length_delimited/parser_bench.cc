// What finding one frame costs, in a buffer of 16 KiB that is full of frames of one size: frame by
// frame, as one run, and with a framing that is not the default; and what it costs when the buffer
// comes in segments that cut frames anywhere. `each` is the time per frame. Beside them the copy
// of the same bytes, which an echo of them needs in any case.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "protocols/length_delimited/parser.h"
#include "protocols/length_delimited/writer.h"

namespace {

using ringpost::engine::Bytes;
using ringpost::length_delimited::Endian;
using ringpost::length_delimited::FrameParser;
using ringpost::length_delimited::FrameResult;
using ringpost::length_delimited::FrameRun;
using ringpost::length_delimited::FrameStatus;
using ringpost::length_delimited::Framing;
using ringpost::length_delimited::HeaderWriter;

constexpr std::size_t buffer_bytes = 16 * 1024;
constexpr Framing other_framing = {
    .length_bytes = 3, .length_offset = 2, .endian = Endian::little, .skip_bytes = 8};

// Whole frames with `payload` bytes each, as many as fit.
std::string frames_of(const Framing& framing, std::size_t payload) {
  const HeaderWriter writer(framing);
  std::string frame(writer.header_bytes() + payload, 'x');
  (void)writer.write(payload, frame.data());
  std::string frames;
  while (frames.size() + frame.size() <= buffer_bytes) frames += frame;
  return frames;
}

void count_frames(benchmark::State& state, std::size_t frames, std::size_t bytes) {
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["each"] =
      benchmark::Counter(rounds * static_cast<double>(frames),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

void parse_frames(benchmark::State& state, const Framing& framing) {
  const std::string frames = frames_of(framing, static_cast<std::size_t>(state.range(0)));
  const FrameParser parser(framing);
  std::size_t count = 0;
  for (auto _ : state) {
    Bytes input = frames;
    count = 0;
    for (;;) {
      const FrameResult r = parser.next(input);
      if (r.status != FrameStatus::frame) break;
      benchmark::DoNotOptimize(r.payload);
      input.remove_prefix(r.consumed);
      ++count;
    }
  }
  count_frames(state, count, frames.size());
}

void FrameByFrame(benchmark::State& state) { parse_frames(state, {}); }
void FrameByFrameOtherFraming(benchmark::State& state) { parse_frames(state, other_framing); }

void RunOfFrames(benchmark::State& state) {
  const std::string frames = frames_of({}, static_cast<std::size_t>(state.range(0)));
  const FrameParser parser{Framing{}};
  std::size_t count = 0;
  for (auto _ : state) {
    const FrameRun run = parser.run(frames);
    benchmark::DoNotOptimize(run.bytes);
    count = run.count;
  }
  count_frames(state, count, frames.size());
}

// The same stream in segments: the cut frame is put together in a buffer beside.
void RunsInSegments(benchmark::State& state) {
  const auto payload = static_cast<std::size_t>(state.range(0));
  const auto segment = static_cast<std::size_t>(state.range(1));
  const std::string frames = frames_of({}, payload);
  const FrameParser parser{Framing{}};
  std::vector<char> held(buffer_bytes + segment);
  std::size_t count = 0;
  for (auto _ : state) {
    std::size_t held_bytes = 0;
    count = 0;
    for (std::size_t at = 0; at < frames.size(); at += segment) {
      const Bytes piece = Bytes(frames).substr(at, segment);
      std::memcpy(held.data() + held_bytes, piece.data(), piece.size());
      held_bytes += piece.size();
      const FrameRun run = parser.run(Bytes(held.data(), held_bytes));
      count += run.count;
      held_bytes -= run.bytes;
      std::memmove(held.data(), held.data() + run.bytes, held_bytes);
    }
  }
  count_frames(state, count, frames.size());
}

void CopyOfTheBytes(benchmark::State& state) {
  const auto payload = static_cast<std::size_t>(state.range(0));
  const std::string frames = frames_of({}, payload);
  std::vector<char> target(frames.size());
  for (auto _ : state) {
    std::memcpy(target.data(), frames.data(), frames.size());
    benchmark::ClobberMemory();
  }
  count_frames(state, frames.size() / (payload + 4), frames.size());
}

BENCHMARK(FrameByFrame)->Arg(0)->Arg(16)->Arg(64)->Arg(1000)->Arg(16'000);
BENCHMARK(FrameByFrameOtherFraming)->Arg(64)->Arg(1000);
BENCHMARK(RunOfFrames)->Arg(0)->Arg(16)->Arg(64)->Arg(1000)->Arg(16'000);
BENCHMARK(RunsInSegments)->Args({64, 1448})->Args({64, 100})->Args({1000, 1448});
BENCHMARK(CopyOfTheBytes)->Arg(64)->Arg(1000);

}  // namespace

BENCHMARK_MAIN();
