#pragma once

// Log: events with named values, one line each, on standard error. As text:
//
//   2026-01-31 12:00:00.000 info  listening service=orders address=127.0.0.1:8080
//
// and as JSON, one object a line:
//
//   {"time":"2026-01-31T12:00:00.000+00:00","level":"info","event":"listening",
//    "service":"orders","address":"127.0.0.1:8080"}
//
// Whole lines, whichever thread they come from: the writers take turns with a mutex and the line is
// in the kernel when the call returns. So it is for what happens rarely; the hot path counts
// instead of logging.
//
// Called on: any thread.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <type_traits>
#include <variant>

#include "tools/ringpost/options.h"

namespace spdlog {
class logger;
namespace sinks {
class sink;
}
}  // namespace spdlog

namespace ringpost::daemon {

struct LogField {
  std::string_view name;
  std::variant<std::string_view, bool, std::int64_t, std::uint64_t, double> value;

  LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
  LogField(std::string_view field, const char* text) : name(field), value(std::string_view(text)) {}
  LogField(std::string_view field, bool flag) : name(field), value(flag) {}
  LogField(std::string_view field, double number) : name(field), value(number) {}
  template <std::integral T>
  LogField(std::string_view field, T number) : name(field) {
    if constexpr (std::is_signed_v<T>) {
      value = std::int64_t{number};
    } else {
      value = std::uint64_t{number};
    }
  }
};

class Log {
 public:
  explicit Log(const LogOptions& options);  // on standard error
  // For tests, and for whoever wants the lines elsewhere.
  Log(const LogOptions& options, std::shared_ptr<spdlog::sinks::sink> sink);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Nothing happens below the level of the options. Requires: level is not `off`. The names of
  // fields are ours and plain; event and values may hold any bytes and are escaped.
  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
  bool writes(LogLevel level) const;

  using Fields = std::initializer_list<LogField>;
  void debug(std::string_view event, Fields fields = {}) { write(LogLevel::debug, event, fields); }
  void info(std::string_view event, Fields fields = {}) { write(LogLevel::info, event, fields); }
  void warn(std::string_view event, Fields fields = {}) { write(LogLevel::warn, event, fields); }
  void error(std::string_view event, Fields fields = {}) { write(LogLevel::error, event, fields); }

 private:
  LogFormat format_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace ringpost::daemon
