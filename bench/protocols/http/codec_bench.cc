// What parsing one request costs, in a buffer of 16 KiB that is full of them: the shortest that is
// right, one as a load generator sends it, one as a browser does, and a publish with its body; when
// each has the head of the one before, which else differs in a byte; when the buffer comes in
// segments that cut requests anywhere; what finding the handler of a path costs
// among those of a service; and what writing a response costs. `each` is the time per request,
// look-up or response.

#include <benchmark/benchmark.h>

#include <string>

#include "protocols/http/body_parser.h"
#include "protocols/http/date.h"
#include "protocols/http/request_parser.h"
#include "protocols/http/routes.h"
#include "protocols/http/writer.h"

namespace {

using namespace ringpost::http;

constexpr std::size_t buffer_bytes = 16 * 1024;

const std::string shortest = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
const std::string generator =
    "GET /health HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: curl/7.88.1\r\n"
    "Accept: */*\r\n\r\n";
const std::string browser =
    "GET /health HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nConnection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/118.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    "\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\n\r\n";
const std::string event = "{\"topic\":\"tech\",\"message\":\"01234567890123\"}";
const std::string publish =
    "POST /publish HTTP/1.1\r\nhost: 127.0.0.1:8000\r\ncontent-type: application/json\r\n"
    "content-length: " +
    std::to_string(event.size()) + "\r\n\r\n" + event;

void count_each(benchmark::State& state, std::size_t each, std::size_t bytes) {
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["each"] =
      benchmark::Counter(rounds * static_cast<double>(each),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

// A buffer full of requests, none of which has the head of the one before.
std::string different(std::string one, std::size_t& count) {
  std::string stream;
  for (count = 0; stream.size() + one.size() <= buffer_bytes; ++count) {
    stream += one;
    one[one.find('/') + 1] ^= 'a' ^ 'b';
  }
  return stream;
}

void parse_requests(benchmark::State& state, const std::string& one, bool repeated) {
  std::size_t count = 0;
  std::string stream;
  if (repeated) {
    for (; stream.size() + one.size() <= buffer_bytes; ++count) stream += one;
  } else {
    stream = different(one, count);
  }
  const Limits limits;
  RequestParser head(limits);
  BodyParser body(limits);
  Request request;
  for (auto _ : state) {
    ringpost::engine::Bytes input = stream;
    while (!input.empty()) {
      const HeadResult r = head.next(input, request);
      if (r.status != HeadStatus::head) return state.SkipWithError("not a head");
      input.remove_prefix(r.consumed);
      if (request.body == BodyKind::none) continue;
      if (body.begin(request) != Errc::none) return state.SkipWithError("not a body");
      const BodyResult b = body.next(input);
      benchmark::DoNotOptimize(b.content);
      input.remove_prefix(b.consumed);
    }
    benchmark::DoNotOptimize(request);
  }
  count_each(state, count, stream.size());
}

// Heads until the parser needs more. Returns how many bytes it consumed.
std::size_t parse_heads(RequestParser& head, ringpost::engine::Bytes input, Request& request) {
  const std::size_t bytes = input.size();
  for (;;) {
    const HeadResult r = head.next(input, request);
    if (r.status != HeadStatus::head) return bytes - input.size();
    benchmark::DoNotOptimize(request);
    input.remove_prefix(r.consumed);
  }
}

// What is left of a segment is put in front of the next, in a buffer beside.
void requests_in_segments(benchmark::State& state, const std::string& one) {
  const auto segment = static_cast<std::size_t>(state.range(0));
  std::size_t count = 0;
  const std::string stream = different(one, count);
  const Limits limits;
  RequestParser head(limits);
  Request request;
  std::string held;
  held.reserve(2 * buffer_bytes);
  for (auto _ : state) {
    for (std::size_t at = 0; at < stream.size(); at += segment) {
      held += ringpost::engine::Bytes(stream).substr(at, segment);
      held.erase(0, parse_heads(head, held, request));
    }
    if (!held.empty()) return state.SkipWithError("not heads");
  }
  count_each(state, count, stream.size());
}

class Nobody final : public Handler {
 public:
  void on_request(Session&, const Request&, ringpost::engine::Bytes,
                  ringpost::engine::Bytes) override {}
};

void find_route(benchmark::State& state, Method method, const std::string& path) {
  Nobody nobody;
  Routes routes;
  routes.add(Method::get, "/health", nobody);
  routes.add(Method::post, "/register", nobody);
  routes.add(Method::delete_, "/register/*", nobody);
  routes.add(Method::post, "/publish", nobody);
  routes.add(Method::get, "/ws/*", nobody);
  for (auto _ : state) {
    const char* at = path.data();
    benchmark::DoNotOptimize(at);
    benchmark::DoNotOptimize(routes.find(method, {at, path.size()}));
  }
  count_each(state, 1, path.size());
}

void write_responses(benchmark::State& state) {
  Date date;
  std::string out(1024, '\0');
  Response response;
  response.content_type = "application/json";
  response.content = "{\"status\":\"ok\"}";
  for (auto _ : state) {
    benchmark::DoNotOptimize(write_response(out.data(), response, date.at(784111777)));
    benchmark::ClobberMemory();
  }
  count_each(state, 1, response_bytes(response));
}

BENCHMARK_CAPTURE(parse_requests, shortest, shortest, false);
BENCHMARK_CAPTURE(parse_requests, generator, generator, false);
BENCHMARK_CAPTURE(parse_requests, browser, browser, false);
BENCHMARK_CAPTURE(parse_requests, publish, publish, false);
BENCHMARK_CAPTURE(parse_requests, shortest_repeated, shortest, true);
BENCHMARK_CAPTURE(parse_requests, browser_repeated, browser, true);
BENCHMARK_CAPTURE(parse_requests, publish_repeated, publish, true);
BENCHMARK_CAPTURE(requests_in_segments, generator, generator)->Arg(1448)->Arg(100);
BENCHMARK_CAPTURE(requests_in_segments, browser, browser)->Arg(1448)->Arg(100);
BENCHMARK_CAPTURE(find_route, first, Method::get, "/health");
BENCHMARK_CAPTURE(find_route, last, Method::get, "/ws/0123456789abcdef0123456789abcdef");
BENCHMARK_CAPTURE(find_route, none, Method::get, "/favicon.ico");
BENCHMARK(write_responses);

}  // namespace

BENCHMARK_MAIN();
