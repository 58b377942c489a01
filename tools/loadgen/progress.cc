#include "tools/loadgen/progress.h"

#include <algorithm>
#include <span>

namespace ringpost::loadgen {

namespace {

struct Scale {
  double from;
  const char* unit;
};

// The largest unit that the value reaches, with three digits.
std::string show_scaled(double value, std::span<const Scale> scales) {
  const Scale* scale = &scales.front();
  for (const Scale& candidate : scales) {
    if (value >= candidate.from) scale = &candidate;
  }
  const double shown = value / scale->from;
  char text[48];
  const int decimals = shown >= 100 ? 0 : shown >= 10 ? 1 : 2;
  std::snprintf(text, sizeof text, "%.*f%s", decimals, shown, scale->unit);
  return text;
}

}  // namespace

std::string show_rate(double per_second) {
  constexpr Scale scales[] = {{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}};
  return show_scaled(per_second, scales);
}

std::string show_latency(Nanos latency) {
  constexpr Scale scales[] = {{1, "ns"}, {1e3, "us"}, {1e6, "ms"}, {1e9, "s"}};
  return show_scaled(static_cast<double>(latency), scales);
}

void Progress::begin(Nanos warmup, Nanos duration) {
  if (duration != engine::never) total_ = warmup + duration;
}

void Progress::row(const Second& row) {
  if (style_ == Style::none) return;
  const double seconds = static_cast<double>(row.length) / 1e9;
  const double rate = seconds > 0 ? static_cast<double>(row.replies) / seconds : 0;
  std::string text = std::to_string((row.start + row.length) / engine::nanos_per_s) + "s";
  text += row.warmup ? " warm-up: " : ": ";
  text += show_rate(rate) + "/s, p50 " + show_latency(row.p50) + ", p99 " + show_latency(row.p99) +
          ", max " + show_latency(row.max);
  if (row.errors + row.mismatches != 0) {
    text +=
        ", " + std::to_string(row.errors) + " errors, " + std::to_string(row.mismatches) + " wrong";
  }
  if (total_ != engine::never) {
    const Nanos left = std::max<Nanos>(0, total_ - row.start - row.length);
    text +=
        ", " + std::to_string((left + engine::nanos_per_s / 2) / engine::nanos_per_s) + "s left";
  }
  if (style_ == Style::terminal) {
    std::fprintf(stream_, "\r\x1b[K%s", text.c_str());
    line_open_ = true;
  } else {
    std::fprintf(stream_, "%s\n", text.c_str());
  }
  std::fflush(stream_);
}

void Progress::end() {
  if (!line_open_) return;
  std::fputs("\r\x1b[K", stream_);
  std::fflush(stream_);
  line_open_ = false;
}

}  // namespace ringpost::loadgen
