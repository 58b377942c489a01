#include "tools/loadgen/report/json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/loadgen/report/summary.h"
#include "tools/loadgen/report/utc.h"

namespace ringpost::loadgen {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t columns = 100;

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

double seconds_of(Nanos nanos) { return double(nanos) / double(engine::nanos_per_s); }

const char* to_text(LoopKind kind) {
  switch (kind) {
    case LoopKind::closed:
      return "closed";
    case LoopKind::open:
      return "open";
    case LoopKind::ramp:
      return "ramp";
    case LoopKind::storm:
      return "storm";
  }
  return "unknown";
}

Json summary_of(const RunResult& run) {
  const Summary summary = summarize(run);
  return {{"rate_per_s", summary.rate_per_s},
          {"asked_per_s", or_null(summary.asked_per_s)},
          {"late", summary.late},
          {"dropped", summary.dropped},
          {"errors", summary.errors},
          {"mismatches", summary.mismatches},
          {"p50_us", or_null(summary.p50_us)},
          {"p90_us", or_null(summary.p90_us)},
          {"p95_us", or_null(summary.p95_us)},
          {"p99_us", or_null(summary.p99_us)},
          {"p999_us", or_null(summary.p999_us)},
          {"max_us", or_null(summary.max_us)}};
}

Json setup_of(const Setup& setup) {
  return {{"target", setup.target},
          {"protocol", setup.protocol},
          {"loop", to_text(setup.loop)},
          {"threads", setup.threads},
          {"thread_cpus", setup.thread_cpus},
          {"connections", setup.connections},
          {"pipeline", setup.pipeline},
          {"size_min", setup.size_min},
          {"size_max", setup.size_max},
          {"duration_s", seconds_of(setup.duration)},
          {"warmup_s", seconds_of(setup.warmup)},
          {"requests", or_null(setup.requests)},
          {"senders", or_null(setup.senders)},
          {"listeners", or_null(setup.listeners)},
          {"topics", or_null(setup.topics)},
          {"method", setup.method.empty() ? Json() : Json(setup.method)},
          {"mix", setup.mix.empty() ? Json() : Json(setup.mix)},
          {"checked", setup.checked}};
}

Json totals_of(const RunResult& run) {
  return {{"began_ns", run.began},
          {"elapsed_s", run.seconds_elapsed()},
          {"interrupted", run.interrupted},
          {"requests", run.requests},
          {"replies", run.replies},
          {"bytes_sent", run.bytes_sent},
          {"bytes_received", run.bytes_received},
          {"late_bound_ns", run.late_bound},
          {"connects", run.connects},
          {"connects_failed", run.connects_failed}};
}

Json statuses_of(const RunResult& run) {
  if (run.setup.method.empty()) return {};
  Json by_class = Json::object(), by_code = Json::object();
  for (unsigned hundreds = 1; hundreds <= 5; ++hundreds) {
    by_class[fmt::format("{}xx", hundreds)] = run.statuses.of_class(hundreds);
  }
  run.statuses.for_each([&](std::uint16_t status, std::uint64_t count) {
    by_code[fmt::format("{}", status)] = count;
  });
  return {{"by_class", by_class}, {"by_code", by_code}};
}

Json percentiles_of(const Histogram& histogram) {
  Json percentiles = Json::object();
  for (const double percentile : {50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999}) {
    percentiles[fmt::format("{}", percentile)] = histogram.value_at(percentile);
  }
  return percentiles;
}

Json histogram_of(const Histogram& histogram) {
  const Histogram::Stored stored = histogram.store();
  return {{"unit", "ns"},
          {"count", histogram.count()},
          {"below", stored.below},
          {"above", stored.above},
          {"min", stored.min},
          {"max", stored.max},
          {"mean", histogram.mean()},
          {"standard_deviation", histogram.standard_deviation()},
          {"percentiles", percentiles_of(histogram)},
          {"counts", stored.counts}};
}

Json histogram_of(const std::optional<Histogram>& histogram) {
  return histogram ? histogram_of(*histogram) : Json();
}

Json second_of(const Second& second) {
  return {{"start_s", seconds_of(second.start)},
          {"length_s", seconds_of(second.length)},
          {"warmup", second.warmup},
          {"requests", second.requests},
          {"replies", second.replies},
          {"bytes_sent", second.bytes_sent},
          {"bytes_received", second.bytes_received},
          {"errors", second.errors},
          {"mismatches", second.mismatches},
          {"late", second.late},
          {"dropped", second.dropped},
          {"connections", second.connections},
          {"p50_ns", second.p50},
          {"p90_ns", second.p90},
          {"p95_ns", second.p95},
          {"p99_ns", second.p99},
          {"p999_ns", second.p999},
          {"max_ns", second.max},
          {"cpu_share", second.cpu_share}};
}

Json thread_of(const ThreadUse& use) {
  return {{"cpu", use.cpu},
          {"busy_share", use.busy_share},
          {"run_delay_ns", use.run_delay},
          {"lag_max_ns", use.lag_max},
          {"requests", use.sent},
          {"sends", use.sends},
          {"receives", use.receives}};
}

Json error_of(const ErrorCount& error) {
  return {{"kind", error.kind}, {"count", error.count}, {"example", error.example}};
}

Json mismatch_of(const Mismatch& mismatch) {
  return {{"kind", mismatch.kind},
          {"connection", mismatch.connection},
          {"sequence", mismatch.sequence},
          {"detail", mismatch.detail}};
}

Json step_of(const RampStep& step) {
  return {{"asked_per_s", step.asked_per_s},
          {"achieved_per_s", step.achieved_per_s},
          {"p99_ns", step.p99},
          {"held", step.held}};
}

template <typename T, typename F>
Json list_of(const std::vector<T>& items, F&& to_one) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(to_one(item));
  return list;
}

Json run_of(const RunResult& run) {
  const Setup& setup = run.setup;
  return {{"schema", json_schema},
          {"version", run.machine.version},
          {"commit", run.machine.commit},
          {"kernel", run.machine.kernel},
          {"cpu", run.machine.cpu},
          {"cpus", run.machine.cpus},
          {"started_at", utc_iso(run.started_unix_ms)},
          {"arguments", setup.arguments},
          {"seed", setup.seed},
          {"clock", setup.clock},
          {"summary", summary_of(run)},
          {"setup", setup_of(setup)},
          {"totals", totals_of(run)},
          {"statuses", statuses_of(run)},
          {"warnings", run.warnings},
          {"errors", list_of(run.errors, error_of)},
          {"mismatches", list_of(run.mismatches, mismatch_of)},
          {"threads", list_of(run.threads, thread_of)},
          {"ramp", list_of(run.ramp, step_of)},
          {"ramp_best_per_s", or_null(run.ramp_best_per_s)},
          {"seconds", list_of(run.seconds, second_of)},
          {"latency_from", measures_from_due_time(setup) ? "intended" : "sent"},
          {"latency", histogram_of(run.latency)},
          {"service_time", histogram_of(run.service_time)},
          {"send_delay", histogram_of(run.send_delay)},
          {"connect_time", histogram_of(run.connect_time)}};
}

std::string compact(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Members on lines of their own, the elements of an array as many to a line as it holds: what is
// short stays in sight, and a thousand rows are a thousand lines.
void write(std::string& out, const Json& json, std::size_t indent) {
  std::string short_form = compact(json);
  if (!json.is_structured() || indent + short_form.size() <= columns) {
    out += short_form;
    return;
  }
  const std::string margin(indent + 2, ' ');
  std::size_t column = columns + 1;
  out += json.is_object() ? '{' : '[';
  for (auto item = json.begin(); item != json.end(); ++item) {
    if (item != json.begin()) out += ',';
    if (json.is_object()) {
      out += "\n" + margin + compact(item.key()) + ": ";
      write(out, *item, indent + 2);
      continue;
    }
    const std::string element = compact(*item);
    if (column + 2 + element.size() > columns) {
      out += "\n" + margin + element;
      column = margin.size() + element.size();
    } else {
      out += " " + element;
      column += 2 + element.size();
    }
  }
  out += "\n" + std::string(indent, ' ') + (json.is_object() ? '}' : ']');
}

}  // namespace

std::string to_json(const RunResult& run) {
  std::string text;
  write(text, run_of(run), 0);
  return text + "\n";
}

}  // namespace ringpost::loadgen
