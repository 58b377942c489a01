#include "tools/loadgen/report/html_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "tools/loadgen/report/human.h"
#include "tools/loadgen/report/percentile_steps.h"
#include "tools/loadgen/report/plot.h"
#include "tools/loadgen/report/text.h"

namespace ringpost::loadgen {

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
// More rows than this are drawn together, several to a point.
constexpr std::size_t points_max = 600;

double seconds_of(Nanos nanos) { return double(nanos) / double(engine::nanos_per_s); }

// "10.0 ms" -> "10 ms": a tick is round.
std::string round_label(std::string label) {
  const std::size_t space = label.find(' ');
  std::string number = label.substr(0, space);
  if (number.find('.') != number.npos) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') number.pop_back();
  }
  return space == label.npos ? number : number + label.substr(space);
}

std::string time_label(double nanos) {
  return nanos == 0 ? "0" : round_label(html_time(Nanos(std::llround(nanos))));
}
std::string rate_label(double per_s) { return per_s == 0 ? "0" : round_label(human_rate(per_s)); }

std::string legend(const std::vector<Series>& series) {
  std::string text = "<p class=\"legend\">";
  for (const Series& one : series) {
    text += fmt::format("<span class=\"s{}\"><i{}></i><span>{}</span></span>", one.colour,
                        one.dashed ? " class=\"dashed\"" : "", escape(one.name));
  }
  return text + "</p>\n";
}

std::string section(std::string_view title, std::string_view words, const Plot& plot) {
  const std::string key = plot.series.size() > 1 ? legend(plot.series) : "";
  return fmt::format("<section><h2>{}</h2>\n<p>{}</p>\n{}{}</section>\n", escape(title),
                     escape(words), key, to_svg(plot));
}

std::vector<double> values_of(const std::vector<Series>& series) {
  std::vector<double> values;
  for (const Series& one : series) {
    for (const auto& [x, y] : one.points) values.push_back(y);
  }
  return values;
}

// --- By percentile
// ---------------------------------------------------------------------------------

// Every step to the right is ten times rarer.
double rarity(double share) { return -std::log10(1 - share); }

std::string percent_label(int nines) {
  if (nines == 0) return "0 %";
  if (nines == 1) return "90 %";
  return "99" + (nines > 2 ? "." + std::string(std::size_t(nines) - 2, '9') : "") + " %";
}

Series distribution(std::string name, int colour, const Histogram& histogram, double rarest) {
  Series series{std::move(name), {}, colour};
  for_each_percentile_step(histogram, [&](const PercentileStep& step) {
    const double x = step.share < 1 ? std::min(rarity(step.share), rarest) : rarest;
    series.points.emplace_back(x, double(step.value));
  });
  return series;
}

std::vector<Hint> percentile_hints(const Histogram& histogram, double rarest) {
  std::vector<Hint> hints;
  double from = 0;
  for_each_percentile_step(histogram, [&](const PercentileStep& step) {
    const double to = step.share < 1 ? std::min(rarity(step.share), rarest) : rarest;
    if (to <= from) return;
    hints.push_back({from, to,
                     step.share < 1
                         ? fmt::format("p{:.6g}: {}", step.share * 100, html_time(step.value))
                         : "max: " + html_time(step.value)});
    from = to;
  });
  return hints;
}

// --- Over time
// -------------------------------------------------------------------------------------

// A row of the plot: one second, or several of a long run.
struct Row {
  double start, end;  // seconds
  double rate;
  double p50, p99, p999, max;  // of the worst second; none without replies
};

Row row_of(const std::vector<Second>& seconds, std::size_t begin, std::size_t end) {
  Row row{seconds_of(seconds[begin].start), 0, 0, none, none, none, none};
  std::uint64_t replies = 0;
  // A maximum of a NaN and a number is the number.
  for (std::size_t i = begin; i < end; ++i) {
    const Second& second = seconds[i];
    replies += second.replies;
    row.end = seconds_of(second.start + second.length);
    if (second.replies == 0) continue;
    row.p50 = std::fmax(row.p50, double(second.p50));
    row.p99 = std::fmax(row.p99, double(second.p99));
    row.p999 = std::fmax(row.p999, double(second.p999));
    row.max = std::fmax(row.max, double(second.max));
  }
  row.rate = row.end > row.start ? double(replies) / (row.end - row.start) : 0;
  return row;
}

std::size_t seconds_per_row(const RunResult& run) {
  return (run.seconds.size() + points_max - 1) / points_max;
}

std::vector<Row> rows_of(const RunResult& run) {
  std::vector<Row> rows;
  const std::size_t group = seconds_per_row(run);
  for (std::size_t i = 0; i < run.seconds.size(); i += group) {
    rows.push_back(row_of(run.seconds, i, std::min(i + group, run.seconds.size())));
  }
  return rows;
}

// The unit in which the time of a run is written: seconds, minutes or hours.
struct TimeUnit {
  double seconds;
  const char* name;
};

TimeUnit unit_for(double length) {
  if (length > 4 * 3600) return {3600, "hours"};
  if (length > 600) return {60, "minutes"};
  return {1, "seconds"};
}

// Through the middle of each row, from the begin of the first to the end of the last.
Series over_time(std::string name, int colour, const std::vector<Row>& rows, double Row::*value) {
  Series series{std::move(name), {}, colour};
  series.points.emplace_back(rows.front().start, rows.front().*value);
  for (const Row& row : rows) series.points.emplace_back((row.start + row.end) / 2, row.*value);
  series.points.emplace_back(rows.back().end, rows.back().*value);
  return series;
}

Plot time_plot(const std::vector<Row>& rows, const RunResult& run) {
  Plot plot;
  const double end = rows.back().end;
  const TimeUnit unit = unit_for(end);
  plot.x = linear_axis(fmt::format("{} since the start", unit.name), end / unit.seconds,
                       [](double value) { return fmt::format("{:g}", value); });
  plot.x.high = end;
  for (Tick& tick : plot.x.ticks) tick.at *= unit.seconds;
  for (const Second& second : run.seconds) {
    if (!second.warmup) break;
    plot.shaded = {{0, seconds_of(second.start + second.length)}};
  }
  return plot;
}

std::string moment(const Row& row) { return fmt::format("{:g} to {:g} s", row.start, row.end); }

std::string warmup_words(const Plot& plot) {
  return plot.shaded.empty() ? "" : " The warm-up is shaded.";
}

}  // namespace

std::string html_time(Nanos nanos) {
  std::string text = human_time(nanos);
  if (text.ends_with(" us")) text.replace(text.size() - 2, 1, "\u00b5");
  return text;
}

std::string plot_percentiles(const RunResult& run) {
  if (run.latency.empty()) return "";
  const double rarest = std::max(1.0, std::log10(double(run.latency.count())));
  Plot plot;
  plot.name = "Latency by percentile";
  plot.series = {distribution(latency_origin(run.setup), 1, run.latency, rarest)};
  if (run.service_time && !run.service_time->empty()) {
    plot.series.push_back(distribution("from send", 2, *run.service_time, rarest));
    plot.series.back().dashed = true;
  }
  plot.x = {"percentile", 0, rarest, false, {}};
  for (int nines = 0; nines <= rarest; ++nines) {
    plot.x.ticks.push_back({double(nines), percent_label(nines)});
    if (nines == 0) plot.x.ticks.push_back({rarity(0.5), "50 %"});
  }
  plot.y = fit_axis("", values_of(plot.series), true, time_label);
  plot.hints = percentile_hints(run.latency, rarest);
  const bool both = plot.series.size() > 1;
  return section(
      "Latency by percentile",
      std::string(measures_from_due_time(run.setup) ? "From the moment a request was due. "
                                                    : "From the moment a request was sent. ") +
          (both ? "Dashed: from the moment it was sent, as a closed loop would show."
                : "Each mark to the right is ten times rarer."),
      plot);
}

std::string plot_latency_over_time(const RunResult& run) {
  const std::vector<Row> rows = rows_of(run);
  if (rows.empty() || run.latency.empty()) return "";
  Plot plot = time_plot(rows, run);
  plot.name = "Latency over time";
  plot.series = {over_time("max", 4, rows, &Row::max), over_time("p99.9", 3, rows, &Row::p999),
                 over_time("p99", 2, rows, &Row::p99), over_time("p50", 1, rows, &Row::p50)};
  plot.y = fit_axis("", values_of(plot.series), true, time_label);
  for (const Row& row : rows) {
    if (std::isnan(row.max)) continue;
    plot.hints.push_back({row.start, row.end,
                          fmt::format("{}: p50 {}, p99 {}, p99.9 {}, max {}", moment(row),
                                      html_time(Nanos(row.p50)), html_time(Nanos(row.p99)),
                                      html_time(Nanos(row.p999)), html_time(Nanos(row.max)))});
  }
  const std::size_t group = seconds_per_row(run);
  return section("Latency over time",
                 (group == 1 ? std::string("Of the replies of each second.")
                             : fmt::format("Each point is the worst of {} seconds.", group)) +
                     warmup_words(plot),
                 plot);
}

std::string plot_rate_over_time(const RunResult& run) {
  const std::vector<Row> rows = rows_of(run);
  if (rows.empty()) return "";
  Plot plot = time_plot(rows, run);
  plot.name = "Rate over time";
  plot.series = {over_time("achieved", 1, rows, &Row::rate)};
  plot.series.front().filled = true;
  std::vector<double> values = values_of(plot.series);
  if (const auto asked = run.setup.asked_per_s) {
    values.push_back(*asked);
    plot.series.push_back({"asked", {{0, *asked}, {plot.x.high, *asked}}, 4, true});
  }
  plot.y = fit_axis("", values, false, rate_label);
  for (const Row& row : rows) {
    plot.hints.push_back({row.start, row.end, moment(row) + ": " + human_rate(row.rate)});
  }
  const char* what = run.setup.listeners ? "Deliveries" : "Replies";
  return section("Rate over time", fmt::format("{} per second.", what) + warmup_words(plot), plot);
}

}  // namespace ringpost::loadgen
