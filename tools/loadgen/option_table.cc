#include "tools/loadgen/option_table.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>

#include "engine/io/socket.h"
#include "protocols/http/field.h"
#include "tools/options/units.h"

namespace ringpost::loadgen {

namespace {

using engine::nanos_per_s;
using tools::NumberError;

constexpr std::uint64_t connections_max = 1'000'000;
constexpr std::uint64_t senders_max = 1000;
constexpr std::uint64_t topics_max = 1'000'000;
constexpr std::uint64_t pipeline_max = 1'000'000;
constexpr std::uint64_t size_max = std::uint64_t{64} << 20;
constexpr std::uint64_t requests_max = std::uint64_t{1} << 53;  // what JSON numbers hold exactly
constexpr Nanos time_max = 24 * 3600 * nanos_per_s;
constexpr std::uint64_t threads_max = 64;

std::string out_of_bounds(std::string_view bounds) {
  return "is out of bounds, which are " + std::string(bounds);
}

template <typename Parsed>
std::string complaint(const Parsed& parsed, std::string_view how, std::string_view bounds) {
  if (parsed.error() == NumberError::malformed) return "is not " + std::string(how);
  return out_of_bounds(bounds);
}

// `Member` is a number, or an optional one.
template <auto Member, std::uint64_t Min, std::uint64_t Max>
std::string set_count(Options& options, std::string_view text) {
  const auto parsed = tools::parse_count(text);
  const std::string bounds = std::to_string(Min) + " to " + std::to_string(Max);
  if (!parsed) return complaint(parsed, "a whole number such as 10, 10k or 1M", bounds);
  if (*parsed < Min || *parsed > Max) return out_of_bounds(bounds);
  options.*Member = *parsed;
  return "";
}

template <auto Member, Nanos Bare, Nanos Min>
std::string set_time(Options& options, std::string_view text) {
  const auto parsed = tools::parse_duration(text, Bare);
  const std::string bounds = tools::show_duration(Min) + " to " + tools::show_duration(time_max);
  if (!parsed) return complaint(parsed, "a time such as 10s or 500ms", bounds);
  if (*parsed < Min || *parsed > time_max) return out_of_bounds(bounds);
  options.*Member = *parsed;
  return "";
}

template <auto Member>
std::string set_flag(Options& options, std::string_view text) {
  return tools::set_flag(options.*Member, text);
}

// "64", "64KiB", "16-1k"
std::string set_size(Options& options, std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto min = tools::parse_bytes(text.substr(0, dash));
  const auto max = dash == std::string_view::npos ? min : tools::parse_bytes(text.substr(dash + 1));
  if (!min || !max) return "is not a size such as 64 or 4KiB, or a range of two such as 16-1k";
  if (*min > *max) return "is a range that ends before it begins";
  if (*max > size_max) return out_of_bounds("0 to " + tools::show_bytes(size_max));
  options.size = {*min, *max};
  return "";
}

std::string set_check(Options& options, std::string_view text) {
  if (text != "full" && text != "none") return "is neither full nor none";
  options.check = text == "full" ? Check::full : Check::none;
  return "";
}

// "127.0.0.1,127.0.0.2"
std::string set_sources(Options& options, std::string_view text) {
  std::vector<engine::SocketAddress> sources;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const bool is_ipv6 = part.find(':') != std::string_view::npos;
    const std::string address =
        is_ipv6 ? "[" + std::string(part) + "]:0" : std::string(part) + ":0";
    const auto parsed = engine::parse_address(address);
    if (!parsed) return "is not a list of addresses such as 127.0.0.1,127.0.0.2";
    sources.push_back(*parsed);
  }
  options.sources = sources;
  return "";
}

std::string set_rate(Options& options, std::string_view text) {
  const auto parsed = tools::parse_count(text);
  constexpr std::uint64_t rate_max = 1'000'000'000;
  if (!parsed) return complaint(parsed, "a whole number such as 10, 10k or 1M", "1 to 1000000000");
  if (*parsed < 1 || *parsed > rate_max) return out_of_bounds("1 to 1000000000");
  options.rate = static_cast<double>(*parsed);
  return "";
}

// "buy:15,get:1"
std::string set_mix(Options& options, std::string_view text) {
  constexpr std::string_view how = "is no mix such as buy:15,get:1";
  constexpr std::uint64_t count_max = 1000;
  OrderMix mix{.buys = 0, .gets = 0};
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const std::size_t colon = part.find(':');
    if (colon == std::string_view::npos) return std::string(how);
    const auto count = tools::parse_count(part.substr(colon + 1));
    if (!count || *count > count_max) return out_of_bounds("counts of 0 to 1000");
    const std::string_view name = part.substr(0, colon);
    if (name != "buy" && name != "get") return std::string(how);
    (name == "buy" ? mix.buys : mix.gets) = *count;
  }
  if (mix.gets == 0) return "has no get, and nothing else is answered";
  options.mix = mix;
  return "";
}

template <auto Member>
std::string set_text(Options& options, std::string_view text) {
  if (text.empty()) return "is empty";
  options.files.*Member = text;
  return "";
}

std::string set_output(Options& options, std::string_view text) {
  if (text.empty() || text == "-") return "is no name for files";
  const std::string name(text);
  options.files = {name + ".json", name + ".csv", name + ".html", name + ".hgrm"};
  return "";
}

std::string set_method(Options& options, std::string_view text) {
  if (text.empty() || !http::all_in(http::token_bytes, text)) return "is no method such as PUT";
  if (text == "CONNECT") return "makes a tunnel of the connection";
  options.http.method = text;
  return "";
}

// "accept: text/plain"
std::string set_header(Options& options, std::string_view text) {
  http::Field field;
  if (http::parse_field(text, field) != http::Errc::none) {
    return "is no header such as 'accept: text/plain'";
  }
  options.http.headers.emplace_back(text);
  return "";
}

std::string set_body(Options& options, std::string_view text) {
  options.http.body = text;
  return "";
}

std::string set_body_file(Options& options, std::string_view text) {
  errno = 0;
  const std::ifstream file{std::string(text), std::ios::binary};
  std::ostringstream content;
  content << file.rdbuf();  // of a folder, this fails without throwing
  std::string body = std::move(content).str();
  if (!file.is_open() || (body.empty() && errno != 0)) return "cannot be read";
  if (body.size() > size_max) return "has more than " + tools::show_bytes(size_max);
  options.http.body = std::move(body);
  return "";
}

std::string set_expect_status(Options& options, std::string_view text) {
  const auto parsed = tools::parse_count(text);
  if (!parsed || *parsed < 200 || *parsed > 599) return "is no status such as 404";
  options.http.expect_status = static_cast<std::uint16_t>(*parsed);
  return "";
}

std::string set_any_body(Options& options, std::string_view text) {
  return tools::set_flag(options.http.any_body, text);
}

std::string set_reply_max(Options& options, std::string_view text) {
  const auto parsed = tools::parse_bytes(text);
  if (!parsed) return "is not a size such as 64KiB";
  options.http.reply_bytes_max = *parsed;
  return "";
}

std::string set_cpus(Options& options, std::string_view text) {
  std::vector<std::uint32_t> cpus;
  for (const char *at = text.data(), *end = at + text.size();;) {
    std::uint32_t cpu = 0;
    const auto [stop, error] = std::from_chars(at, end, cpu);
    if (error != std::errc()) return "is not a list of CPU numbers such as 2,3";
    cpus.push_back(cpu);
    if (stop == end) break;
    if (*stop != ',') return "is not a list of CPU numbers such as 2,3";
    at = stop + 1;
  }
  options.cpus = cpus;
  return "";
}

constexpr std::string_view load = "Load", machine = "Machine", patience = "Patience",
                           output = "Output", other = "Other";

constexpr OptionRow rows[] = {
    {load, "-c,--connections", "N", set_count<&Options::connections, 1, connections_max>,
     "connections", "Default 50; 1 to 1000000."},
    {load, "-d,-z,--duration", "TIME",
     set_time<&Options::duration, nanos_per_s, engine::nanos_per_ms>, "how long to measure",
     "Default 10s, or until --requests are done."},
    {load, "-n,--requests", "N", set_count<&Options::requests, 1, requests_max>,
     "end after that many requests, over all connections", "Default: no limit."},
    {load, "-R,--rate", "N", set_rate,
     "open loop: that many requests a second, whatever the server does; latencies count from when "
     "a request was due",
     "Default: closed loop, a reply makes room for a request."},
    {load, "-P,--pipeline", "N", set_count<&Options::pipeline, 1, pipeline_max>,
     "requests that each connection keeps in flight; with --rate, at most",
     "Default 1, with --rate 16384 (http: 1); 1 to 1000000."},
    {load, "-s,--size", "BYTES", set_size, "bytes of a message, or a range of sizes such as 16-1k",
     "Default 64; up to 64MiB."},
    {load, "-w,--warmup", "TIME", set_time<&Options::warmup, nanos_per_s, 0>,
     "run that long before measuring begins", "Default 1s, or none with --requests."},
    {load, "--check", "HOW", set_check,
     "full: every reply must be right to the byte; none: replies are only counted, which tcp and "
     "frames allow",
     "Default full."},
    {load, "--strict", "", set_flag<&Options::strict>,
     "fail if less than 99.9 % of --rate was reached"},
    {load, "--ramp", "TIME", set_time<&Options::ramp, engine::nanos_per_ms, engine::nanos_per_us>,
     "find the highest rate that keeps p99 below TIME, in steps of --duration",
     "Default 3s a step, beginning with --rate or 1000; a bare number counts ms."},
    {load, "--storm", "TIME", set_time<&Options::storm, nanos_per_s, 0>,
     "once measuring begins, every connection leaves and comes back, evenly within TIME"},
    {load, "--senders", "N", set_count<&Options::senders, 1, senders_max>,
     "chat, ws: connections that say something", "Default 1; 1 to 1000."},
    {load, "--listeners", "N", set_count<&Options::listeners, 0, connections_max>,
     "chat, ws: connections that only listen", "Default: the rest of --connections."},
    {load, "--topics", "N", set_count<&Options::topics, 1, topics_max>,
     "ws: topics, over which senders and listeners are spread", "Default 1; 1 to 1000000."},
    {load, "--mix", "LIST", set_mix, "orders: how many of each request, evenly mixed",
     "Default buy:15,get:1; at least one get, which answers the buys before it."},
    {load, "--own-buys", "", set_flag<&Options::own_buys>,
     "orders: a reply must have all that its connection bought before; for servers that take all"},
    {load, "-X,--method", "NAME", set_method, "http: the method",
     "Default GET, or POST with a body."},
    {load, "-H,--header", "LINE", set_header, "http: one more header, 'name: value'",
     "As often as needed.", true},
    {load, "-b,--body", "TEXT", set_body, "http: the body of each request", "Default: none."},
    {load, "--body-file", "FILE", set_body_file, "http: the same, from a file", "Up to 64MiB."},
    {load, "--expect-status", "N", set_expect_status, "http: the only status that is right",
     "Default: any from 200 to 399."},
    {load, "--any-body", "", set_any_body,
     "http: the bodies of replies need not be that of the first one"},
    {load, "--reply-max", "BYTES", set_reply_max, "http: the longest body of a reply",
     "Default 64MiB."},
    {load, "--seed", "N", set_count<&Options::seed, 0, UINT64_MAX>,
     "of what is random: contents and sizes", "Default 1."},

    {machine, "-t,--threads", "N", set_count<&Options::threads, 1, threads_max>,
     "threads, each with connections of its own and pinned to a CPU", "Default 1; 1 to 64."},
    {machine, "--cpus", "LIST", set_cpus, "the CPUs to pin the threads to, one each",
     "Default: the last ones that this process may use."},
    {machine, "--source", "LIST", set_sources,
     "addresses to connect from, in turns: each has 28,000 ports for one server",
     "Default: the kernel chooses."},
    {machine, "--spin-us", "TIME", set_time<&Options::spin, engine::nanos_per_us, 0>,
     "poll that long before sleeping", "Default 50us while a CPU is left for others, else 0."},

    {patience, "--connect-timeout", "TIME",
     set_time<&Options::connect_timeout, nanos_per_s, engine::nanos_per_ms>,
     "give a connection up that does not come about in that time", "Default 5s."},
    {patience, "--timeout", "TIME", set_time<&Options::reply_timeout, nanos_per_s, 0>,
     "wait that long for replies at the end, and with --requests for any reply at all",
     "Default 10s."},

    {output, "--json", "FILE", set_text<&OutputPaths::json>, "write the result as JSON",
     "'-' is standard output, here and below."},
    {output, "--csv", "FILE", set_text<&OutputPaths::csv>, "write a row per second"},
    {output, "--html", "FILE", set_text<&OutputPaths::html>, "write one page with plots"},
    {output, "--hgrm", "FILE", set_text<&OutputPaths::hgrm>,
     "write the percentiles as HdrHistogram does"},
    {output, "-o,--output", "NAME", set_output,
     "write all of these: NAME.json, NAME.csv, NAME.html and NAME.hgrm"},
    {output, "-q,--quiet", "", set_flag<&Options::quiet>, "no progress, only the result"},
    {output, "-v,--verbose", "", set_flag<&Options::verbose>,
     "each thread, the machine, and all kinds of errors beside the result"},

    {other, "-h,--help", "", nullptr, "print this help"},
    {other, "--version", "", nullptr, "print the version"},
};

}  // namespace

std::span<const OptionRow> option_table() { return rows; }

}  // namespace ringpost::loadgen
