#pragma once

// Plot: lines over two axes, as an inline SVG. Colours come from the page's style by class
// (s1..s5), so light and dark are the page's business.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringpost::loadgen {

struct Tick {
  double at;
  std::string label;  // empty: a line without a word
};

struct Axis {
  std::string title;
  double low = 0;
  double high = 1;
  bool logarithmic = false;  // Requires then: low > 0.
  std::vector<Tick> ticks;
};

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // ascending in x; a NaN in y breaks the line
  int colour = 1;                                 // 1..5
  bool dashed = false;
  bool filled = false;  // down to the axis
};

// What the pointer is told over a stretch of x.
struct Hint {
  double from, to;
  std::string text;
};

struct Plot {
  std::string name;  // for those who cannot see it
  Axis x, y;
  std::vector<Series> series;
  std::vector<std::pair<double, double>> shaded;  // stretches of x: the warm-up
  std::vector<Hint> hints;
};

std::string to_svg(const Plot& plot);

// An axis from zero, or logarithmic where the values span more than two powers of ten, that holds
// all of the values (a logarithmic one: all that are positive) between round ends, with round
// ticks. `label` names a tick's value.
Axis fit_axis(std::string title, const std::vector<double>& values, bool may_be_logarithmic,
              const std::function<std::string(double)>& label);
// A linear axis from zero to exactly `high`.
Axis linear_axis(std::string title, double high, const std::function<std::string(double)>& label);

// `text` for HTML and SVG, printable.
std::string escape(std::string_view text);

}  // namespace ringpost::loadgen
