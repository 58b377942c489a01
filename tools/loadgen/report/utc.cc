#include "tools/loadgen/report/utc.h"

#include <fmt/format.h>

#include <ctime>

namespace ringpost::loadgen {

namespace {

std::string utc(const char* format, std::int64_t unix_ms) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

}  // namespace

std::string utc_iso(std::int64_t unix_ms) {
  return fmt::format("{}.{:03}Z", utc("%Y-%m-%dT%H:%M:%S", unix_ms), unix_ms % 1000);
}

std::string utc_for_people(std::int64_t unix_ms) { return utc("%Y-%m-%d %H:%M UTC", unix_ms); }

}  // namespace ringpost::loadgen
