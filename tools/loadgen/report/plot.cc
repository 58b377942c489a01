#include "tools/loadgen/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "tools/loadgen/report/human.h"

namespace ringpost::loadgen {

namespace {

// The drawing in its own units; the page scales it. The frame is what the axes enclose.
constexpr double width = 880, height = 300;
constexpr double frame_left = 72, frame_right = width - 28;
constexpr double frame_top = 10, frame_bottom = height - 44;
// On a linear axis, without the first.
constexpr int ticks_max_x = 12, ticks_max_y = 6;
constexpr double letter = 6.8;  // the width of one in a tick's label

double place(const Axis& axis, double value) {
  if (!axis.logarithmic) return (value - axis.low) / (axis.high - axis.low);
  return std::log(value / axis.low) / std::log(axis.high / axis.low);
}

double place_x(const Plot& plot, double x) {
  return frame_left + std::clamp(place(plot.x, x), 0.0, 1.0) * (frame_right - frame_left);
}

double place_y(const Plot& plot, double y) {
  return frame_bottom - std::clamp(place(plot.y, y), 0.0, 1.0) * (frame_bottom - frame_top);
}

bool drawable(const Axis& axis, double value) {
  return std::isfinite(value) && (!axis.logarithmic || value > 0);
}

class Svg {
 public:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void add_axes(Svg& svg, const Plot& plot) {
  for (const Tick& tick : plot.y.ticks) {
    const double y = place_y(plot, tick.at);
    svg.add("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", frame_left, y, frame_right);
    if (tick.label.empty()) continue;
    svg.add("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
            frame_left - 8, y + 4, escape(tick.label));
  }
  double taken = 0;  // up to here by the labels so far
  for (const Tick& tick : plot.x.ticks) {
    const double x = place_x(plot, tick.at);
    const double half = double(tick.label.size()) * letter / 2;
    svg.add("<path class=\"grid\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>", x, frame_top, frame_bottom);
    if (x - half < taken) continue;
    taken = x + half + letter;
    svg.add("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", x,
            frame_bottom + 17, escape(tick.label));
  }
  svg.add("<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", frame_left, frame_bottom,
          frame_right);
  svg.add("<text class=\"axis-title\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
          (frame_left + frame_right) / 2, height - 6, escape(plot.x.title));
}

// One closed figure per unbroken piece, for the fill, or one open line.
std::string path_of(const Plot& plot, const Series& series, bool closed) {
  Svg path;
  double last_x = 0;
  bool open = false;
  const auto end_piece = [&] {
    if (open && closed) path.add("L{:.1f} {:.1f}Z", last_x, frame_bottom);
    open = false;
  };
  for (const auto& [x, y] : series.points) {
    if (!drawable(plot.y, y)) {
      end_piece();
      continue;
    }
    const double at_x = place_x(plot, x), at_y = place_y(plot, y);
    if (!open && closed) path.add("M{:.1f} {:.1f}", at_x, frame_bottom);
    path.add("{}{:.1f} {:.1f}", open || closed ? 'L' : 'M', at_x, at_y);
    open = true;
    last_x = at_x;
  }
  end_piece();
  return path.take();
}

void add_series(Svg& svg, const Plot& plot) {
  for (const Series& series : plot.series) {
    if (series.filled) {
      svg.add("<path class=\"fill s{}\" d=\"{}\"/>\n", series.colour, path_of(plot, series, true));
    }
    svg.add("<path class=\"line s{}{}\" d=\"{}\"/>\n", series.colour,
            series.dashed ? " dashed" : "", path_of(plot, series, false));
  }
}

void add_stretch(Svg& svg, const Plot& plot, const char* css, double from, double to,
                 std::string_view inside) {
  const double left = place_x(plot, from), right = place_x(plot, to);
  svg.add(
      "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">{}</rect>\n",
      css, left, frame_top, right - left, frame_bottom - frame_top, inside);
}

// The largest number that is 1, 2 or 5 times a power of ten and not greater than `value`.
double round_down(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {5.0, 2.0}) {
    if (factor * power <= value * 1.0001) return factor * power;
  }
  return power;
}

// The next greater number of that kind.
double round_next(double round) { return round_down(round * 2.6); }

double round_up(double value) {
  const double below = round_down(value);
  return below < value * 0.9999 ? round_next(below) : below;
}

std::vector<Tick> log_ticks(double low, double high,
                            const std::function<std::string(double)>& label) {
  std::vector<Tick> ticks;
  const bool sparse = std::log10(high / low) > 3.5;
  for (double at = low; at <= high * 1.0001; at = round_next(at)) {
    const bool power = std::abs(std::log10(at) - std::round(std::log10(at))) < 1e-6;
    if (power || !sparse) ticks.push_back({at, label(at)});
  }
  return ticks;
}

}  // namespace

Axis linear_axis(std::string title, double high, const std::function<std::string(double)>& label) {
  Axis axis{std::move(title), 0, high > 0 ? high : 1, false, {}};
  const double step = round_up(axis.high / ticks_max_x);
  for (double at = 0; at <= axis.high * 1.0001; at += step) axis.ticks.push_back({at, label(at)});
  return axis;
}

Axis fit_axis(std::string title, const std::vector<double>& values, bool may_be_logarithmic,
              const std::function<std::string(double)>& label) {
  double low = std::numeric_limits<double>::max(), high = 0;
  for (const double value : values) {
    if (!std::isfinite(value) || value <= 0) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (may_be_logarithmic && high > 100 * low) {
    Axis axis{std::move(title), round_down(low), round_up(high), true, {}};
    axis.ticks = log_ticks(axis.low, axis.high, label);
    return axis;
  }
  if (high == 0) high = 1;
  const double step = round_up(high / (ticks_max_y - 1));
  const double count = std::ceil(high / step * 1.02);  // some air above
  Axis axis{std::move(title), 0, count * step, false, {}};
  for (double i = 0; i <= count; ++i) axis.ticks.push_back({i * step, label(i * step)});
  return axis;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string to_svg(const Plot& plot) {
  Svg svg;
  svg.add("<div class=\"scroll\"><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n",
          width, height, escape(plot.name));
  for (const auto& [from, to] : plot.shaded) add_stretch(svg, plot, "shaded", from, to, "");
  add_axes(svg, plot);
  add_series(svg, plot);
  for (const Hint& hint : plot.hints) {
    add_stretch(svg, plot, "hint", hint.from, hint.to, "<title>" + escape(hint.text) + "</title>");
  }
  svg.add("</svg></div>\n");
  return svg.take();
}

}  // namespace ringpost::loadgen
