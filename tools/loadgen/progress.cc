#include "tools/loadgen/progress.h"

#include <algorithm>

#include "tools/loadgen/report/human.h"

namespace ringpost::loadgen {

void Progress::begin(Nanos warmup, Nanos duration) {
  if (duration != engine::never) total_ = warmup + duration;
}

void Progress::row(const Second& row) {
  if (style_ == Style::none) return;
  const double seconds = static_cast<double>(row.length) / 1e9;
  const double rate = seconds > 0 ? static_cast<double>(row.replies) / seconds : 0;
  std::string text = std::to_string((row.start + row.length) / engine::nanos_per_s) + "s";
  text += row.warmup ? " warm-up: " : ": ";
  text += human_rate(rate) + ", p50 " + human_time(row.p50) + ", p99 " + human_time(row.p99) +
          ", max " + human_time(row.max);
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
