#include "tools/loadgen/report/html.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "tools/loadgen/report/html_plots.h"
#include "tools/loadgen/report/html_style.h"
#include "tools/loadgen/report/human.h"
#include "tools/loadgen/report/plot.h"
#include "tools/loadgen/report/text.h"
#include "tools/loadgen/report/utc.h"

namespace ringpost::loadgen {

namespace {

constexpr double percentiles[] = {50, 75, 90, 95, 99, 99.9, 99.99, 99.999};

using Row = std::vector<std::string>;

// The first cell of a row is its head. Texts are escaped here.
std::string table(const char* css, const Row& head, const std::vector<Row>& rows) {
  std::string out = fmt::format("<div class=\"scroll\"><table class=\"{}\">", css);
  if (!head.empty()) {
    out += "<thead><tr>";
    for (const std::string& cell : head) out += "<th>" + escape(cell) + "</th>";
    out += "</tr></thead>";
  }
  out += "<tbody>\n";
  for (const Row& row : rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const char* tag = i == 0 ? "th" : "td";
      out += fmt::format("<{}>{}</{}>", tag, escape(row[i]), tag);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string section(const char* title, const std::string& content) {
  return fmt::format("<section><h2>{}</h2>\n{}</section>\n", title, content);
}

// More than one request in a hundred did not leave when it was due.
bool sent_late(const RunResult& run) { return (run.late + run.dropped) * 100 > run.requests; }

std::string badge(const RunResult& run) {
  if (run.mismatch_count > 0) return "<span class=\"badge bad\">wrong replies</span>";
  if (run.latency.empty()) return "<span class=\"badge bad\">no replies</span>";
  if (run.error_count() > 0) return "<span class=\"badge bad\">errors</span>";
  if (run.interrupted) return "<span class=\"badge warn\">interrupted</span>";
  if (sent_late(run)) return "<span class=\"badge warn\">sent late</span>";
  if (!run.warnings.empty()) return "<span class=\"badge warn\">with a warning</span>";
  return "<span class=\"badge good\">clean run</span>";
}

std::string header(const RunResult& run) {
  return fmt::format("<header><h1>{}</h1>{}<p>{}<br>{}</p></header>\n", escape(run.setup.target),
                     badge(run), escape(describe(run.setup)), utc_for_people(run.started_unix_ms));
}

std::string warnings(const RunResult& run) {
  std::string out;
  for (const std::string& warning : run.warnings) {
    out += "<p class=\"warning\">" + escape(warning) + "</p>\n";
  }
  return out;
}

std::string tile(std::string_view value, std::string_view name, bool bad = false) {
  return fmt::format("<div class=\"tile{}\"><b>{}</b><span>{}</span></div>\n", bad ? " bad" : "",
                     escape(value), escape(name));
}

// Short enough for a tile.
std::string tile_count(std::uint64_t count) {
  return count < 1'000'000 ? human_count(count) : three_digits(double(count) / 1e6) + " M";
}

std::string tiles(const RunResult& run) {
  std::string out = "<div class=\"tiles\">\n";
  const auto asked = run.setup.asked_per_s;
  const char* counted = run.setup.listeners ? "deliveries" : "replies";
  out += tile(human_rate(run.rate_per_s()), asked ? "of " + human_rate(*asked) : counted);
  if (!run.latency.empty()) {
    out += tile(html_time(run.latency.value_at(50)), "p50");
    out += tile(html_time(run.latency.value_at(99)), "p99");
    out += tile(html_time(run.latency.max()), "max");
  }
  if (asked) {
    out += tile(tile_count(run.late), "late", sent_late(run));
    out += tile(tile_count(run.dropped), "dropped", run.dropped > 0);
  }
  const std::uint64_t errors = run.error_count();
  out += tile(tile_count(errors), "errors", errors > 0);
  out += run.setup.checked
             ? tile(tile_count(run.mismatch_count), "mismatches", run.mismatch_count > 0)
             : tile("off", "content check");
  return out + "</div>\n";
}

Row percentile_row(const char* name, const Histogram& histogram) {
  Row row{name};
  for (const double percentile : percentiles) {
    row.push_back(html_time(histogram.value_at(percentile)));
  }
  row.push_back(html_time(histogram.max()));
  row.push_back(html_time(Nanos(histogram.mean())));
  row.push_back(human_count(histogram.count()));
  return row;
}

std::string percentile_table(const RunResult& run) {
  Row head{""};
  for (const double percentile : percentiles) head.push_back(fmt::format("p{}", percentile));
  for (const char* name : {"max", "mean", "count"}) head.push_back(name);
  std::vector<Row> rows;
  const auto add = [&](const char* name, const std::optional<Histogram>& histogram) {
    if (histogram && !histogram->empty()) rows.push_back(percentile_row(name, *histogram));
  };
  add(latency_origin(run.setup), run.latency);
  add("from send", run.service_time);
  add("sent late by", run.send_delay);
  add("connecting", run.connect_time);
  return rows.empty() ? "" : section("Percentiles", table("", head, rows));
}

std::string failures(const RunResult& run) {
  std::vector<Row> rows;
  for (const ErrorCount& error : run.errors) {
    rows.push_back({error.kind, human_count(error.count), error.example});
  }
  std::string out;
  if (!rows.empty()) {
    out += section("Errors", table("words", {"kind", "count", "one of them"}, rows));
  }
  rows.clear();
  for (const Mismatch& found : run.mismatches) {
    rows.push_back({found.kind, std::to_string(found.connection), std::to_string(found.sequence),
                    found.detail});
  }
  if (!rows.empty()) {
    const std::string words =
        fmt::format("<p>The first {} of {}.</p>\n", rows.size(), human_count(run.mismatch_count));
    out += section("Wrong replies",
                   words + table("words", {"what", "connection", "reply", "detail"}, rows));
  }
  return out;
}

std::string ramp(const RunResult& run) {
  std::vector<Row> rows;
  for (const RampStep& step : run.ramp) {
    rows.push_back({human_rate(step.asked_per_s), human_rate(step.achieved_per_s),
                    html_time(step.p99), step.held ? "held" : "not held: " + step.why});
  }
  return rows.empty() ? "" : section("Ramp", table("", {"asked", "achieved", "p99", ""}, rows));
}

std::string generator(const RunResult& run) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < run.threads.size(); ++i) {
    const ThreadUse& use = run.threads[i];
    rows.push_back({std::to_string(i), std::to_string(use.cpu), human_percent(use.busy_share),
                    html_time(use.run_delay), html_time(use.lag_max), human_count(use.sent)});
  }
  if (rows.empty()) return "";
  return section(
      "The generator itself",
      table("", {"thread", "CPU", "busy", "waited for a CPU", "latest turn", "requests"}, rows));
}

std::string words_of(const std::vector<std::string>& arguments) {
  return fmt::format("ringpost-load {}", fmt::join(arguments, " "));
}

std::string conditions(const RunResult& run) {
  const Machine& machine = run.machine;
  std::vector<Row> rows = {{"command", words_of(run.setup.arguments)},
                           {"seed", std::to_string(run.setup.seed)},
                           {"clock", run.setup.clock},
                           {"version", machine.version + ", commit " + machine.commit},
                           {"CPU", fmt::format("{} ({} online)", machine.cpu, machine.cpus)},
                           {"kernel", machine.kernel},
                           {"requests", human_count(run.requests)},
                           {"bytes out", human_bytes(double(run.bytes_sent))},
                           {"bytes in", human_bytes(double(run.bytes_received))},
                           {"connects", fmt::format("{}, {} failed", human_count(run.connects),
                                                    human_count(run.connects_failed))}};
  if (!run.setup.method.empty()) rows.push_back({"statuses", statuses_text(run)});
  return section("Conditions", table("words facts", {}, rows));
}

}  // namespace

std::string to_html(const RunResult& run) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; img-src data:\">\n";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  out += "<link rel=\"icon\" href=\"data:,\">\n";
  out += "<title>ringpost-load " + escape(run.setup.target) + "</title>\n<style>";
  out += html_style;
  out += "</style>\n</head>\n<body>\n<main>\n";
  out += header(run) + warnings(run) + tiles(run);
  out += plot_percentiles(run) + percentile_table(run);
  out += plot_latency_over_time(run) + plot_rate_over_time(run);
  out += ramp(run) + failures(run) + generator(run) + conditions(run);
  out += "<footer>Made by ringpost-load " + escape(run.machine.version) + ".</footer>\n";
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace ringpost::loadgen
