// What frames cost, by the bytes of their payload: to write one; to find one in a buffer that is
// full of them, whole or in segments that cut frames anywhere; to take the mask off; to see whether
// a text is UTF-8; and both of these in one pass. `each` is the time per frame, the bytes are the
// stream's where there is one and the payload's elsewhere.
//
// EchoText is all of it: a client's text comes in, is checked, and goes out as a server's frame.
// The texts are ASCII, mixed (a third of the characters take two to four bytes), and one that has
// no ASCII.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "engine/base/prng.h"
#include "protocols/websocket/parser.h"
#include "protocols/websocket/unmask.h"
#include "protocols/websocket/utf8.h"
#include "protocols/websocket/writer.h"

namespace {

using namespace ringpost::websocket;
using ringpost::engine::Prng;

constexpr std::size_t buffer_bytes = 64 * 1024;
const Mask mask(0x9a56f412);

enum Text { ascii, mixed, no_ascii };

// Of exactly so many bytes, filled up with ASCII.
std::string text_of(Text kind, std::size_t bytes) {
  static const std::string wide[] = {"\xc3\xa9", "\xd0\xb6", "\xe4\xb8\xad", "\xf0\x9f\x98\x80"};
  Prng prng(1);
  std::string text;
  while (text.size() + 4 <= bytes) {
    const bool is_wide = kind == no_ascii || (kind == mixed && prng.one_in(3));
    text += is_wide ? wide[prng.below(std::size(wide))] : std::string(1, 'a');
  }
  return text + std::string(bytes - text.size(), 'a');
}

std::string frame_of(const std::string& payload, bool is_masked) {
  FrameHeader header{.payload_bytes = payload.size()};
  if (is_masked) header.mask = mask;
  std::string frame(header_bytes(header) + payload.size(), '\0');
  char* const out = write_header(frame.data(), header);
  unmask(out, payload, is_masked ? mask : Mask());
  return frame;
}

struct Stream {
  std::string bytes;
  std::size_t frames = 0;
};

Stream stream_of(const std::string& payload) {
  const std::string frame = frame_of(payload, true);
  Stream stream;
  do {
    stream.bytes += frame;
    ++stream.frames;
  } while (stream.bytes.size() + frame.size() <= buffer_bytes);
  return stream;
}

void count_each(benchmark::State& state, std::size_t each, std::size_t bytes) {
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["each"] =
      benchmark::Counter(rounds * static_cast<double>(each),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

std::size_t size_of(const benchmark::State& state) {
  return static_cast<std::size_t>(state.range(0));
}

// --- Framing -------------------------------------------------------------------------------------

void WriteFrame(benchmark::State& state) {
  const std::string payload = text_of(ascii, size_of(state));
  std::string out(header_bytes_max + payload.size(), '\0');
  for (auto _ : state) {
    char* const at = write_header(out.data(), {.payload_bytes = payload.size()});
    std::memcpy(at, payload.data(), payload.size());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count_each(state, 1, payload.size());
}

// Calls the parser until it needs more. Returns how many bytes it consumed.
std::size_t parse_all(FrameParser& parser, Bytes input) {
  const std::size_t bytes = input.size();
  for (;;) {
    const FrameResult r = parser.next(input);
    input.remove_prefix(r.consumed);
    if (r.status != FrameStatus::data) return bytes - input.size();
    benchmark::DoNotOptimize(r.payload.data());
  }
}

void ParseFrames(benchmark::State& state) {
  const Stream stream = stream_of(text_of(ascii, size_of(state)));
  const Limits limits;
  FrameParser parser(limits, Role::server);
  for (auto _ : state) {
    if (parse_all(parser, stream.bytes) != stream.bytes.size())
      return state.SkipWithError("not frames");
  }
  count_each(state, stream.frames, stream.bytes.size());
}

// The same in segments: what is left of one is put in front of the next, in a buffer beside.
void FramesInSegments(benchmark::State& state) {
  const Stream stream = stream_of(text_of(ascii, size_of(state)));
  const auto segment = static_cast<std::size_t>(state.range(1));
  const Limits limits;
  FrameParser parser(limits, Role::server);
  std::string held;
  held.reserve(2 * buffer_bytes);
  for (auto _ : state) {
    for (std::size_t at = 0; at < stream.bytes.size(); at += segment) {
      const Bytes piece = Bytes(stream.bytes).substr(at, segment);
      if (held.empty()) {
        held = piece.substr(parse_all(parser, piece));
      } else {
        held += piece;
        held.erase(0, parse_all(parser, held));
      }
    }
  }
  count_each(state, stream.frames, stream.bytes.size());
}

// --- Mask and text -------------------------------------------------------------------------------

void Unmask(benchmark::State& state) {
  const std::string payload = text_of(ascii, size_of(state));
  std::string out(payload.size(), '\0');
  for (auto _ : state) {
    unmask(out.data(), payload, mask);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count_each(state, 1, payload.size());
}

void CheckUtf8(benchmark::State& state, Text kind) {
  const std::string text = text_of(kind, size_of(state));
  for (auto _ : state) {
    const char* at = text.data();
    benchmark::DoNotOptimize(at);
    if (!is_utf8({at, text.size()})) return state.SkipWithError("not UTF-8");
  }
  count_each(state, 1, text.size());
}

// What a processor without wide vectors does.
void CheckUtf8Narrow(benchmark::State& state, Text kind) {
  const std::string text = text_of(kind, size_of(state));
  for (auto _ : state) {
    const char* at = text.data();
    benchmark::DoNotOptimize(at);
    Utf8Checker checker;
    if (!checker.feed_narrow({at, text.size()})) return state.SkipWithError("not UTF-8");
  }
  count_each(state, 1, text.size());
}

void UnmaskAndCheck(benchmark::State& state, Text kind) {
  const std::string text = text_of(kind, size_of(state));
  std::string masked(text.size(), '\0');
  unmask(masked.data(), text, mask);
  std::string out(text.size(), '\0');
  for (auto _ : state) {
    Utf8Checker checker;
    if (!checker.unmask(out.data(), masked, mask)) return state.SkipWithError("not UTF-8");
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count_each(state, 1, text.size());
}

// --- All of it -----------------------------------------------------------------------------------

// Requires: a frame is in one piece.
char* echo(const FrameResult& frame, char* out) {
  char* const text = write_header(out, {.payload_bytes = frame.payload.size()});
  Utf8Checker checker;
  const bool is_right = checker.unmask(text, frame.payload, frame.mask) && checker.complete();
  return is_right ? text + frame.payload.size() : nullptr;
}

void EchoText(benchmark::State& state, Text kind) {
  const std::size_t payload_bytes = size_of(state);
  const Stream stream = stream_of(text_of(kind, payload_bytes));
  std::string out(stream.bytes.size(), '\0');
  const Limits limits;
  FrameParser parser(limits, Role::server);
  for (auto _ : state) {
    Bytes input = stream.bytes;
    char* end = out.data();
    while (!input.empty()) {
      const FrameResult frame = parser.next(input);
      if (frame.status != FrameStatus::data) return state.SkipWithError("not a frame");
      end = echo(frame, end);
      if (end == nullptr) return state.SkipWithError("not UTF-8");
      input.remove_prefix(frame.consumed);
    }
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count_each(state, stream.frames, stream.frames * payload_bytes);
}

// 16 B to 64 KiB.
void sizes(benchmark::internal::Benchmark* bench) {
  for (const int bytes : {16, 64, 125, 512, 4096, 65536}) bench->Arg(bytes);
}

BENCHMARK(WriteFrame)->Apply(sizes);
BENCHMARK(ParseFrames)->Apply(sizes);
BENCHMARK(FramesInSegments)
    ->Args({16, 1448})
    ->Args({16, 100})
    ->Args({512, 1448})
    ->Args({65536, 1448});
BENCHMARK(Unmask)->Apply(sizes);
BENCHMARK_CAPTURE(CheckUtf8, ascii, ascii)->Apply(sizes);
BENCHMARK_CAPTURE(CheckUtf8, mixed, mixed)->Apply(sizes);
BENCHMARK_CAPTURE(CheckUtf8, no_ascii, no_ascii)->Arg(512);
BENCHMARK_CAPTURE(CheckUtf8Narrow, ascii, ascii)->Arg(512);
BENCHMARK_CAPTURE(CheckUtf8Narrow, mixed, mixed)->Arg(512);
BENCHMARK_CAPTURE(UnmaskAndCheck, ascii, ascii)->Apply(sizes);
BENCHMARK_CAPTURE(UnmaskAndCheck, mixed, mixed)->Apply(sizes);
BENCHMARK_CAPTURE(EchoText, ascii, ascii)->Arg(16)->Arg(512)->Arg(4096);
BENCHMARK_CAPTURE(EchoText, mixed, mixed)->Arg(16)->Arg(512)->Arg(4096);
BENCHMARK_CAPTURE(EchoText, no_ascii, no_ascii)->Arg(512);

}  // namespace

BENCHMARK_MAIN();
