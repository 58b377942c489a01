#include "tools/ringpost/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cmath>
#include <concepts>
#include <string>

#include "engine/base/assert.h"

namespace ringpost::daemon {

namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      return spdlog::level::off;
  }
  ASSERT(false);
  return spdlog::level::off;
}

// spdlog would write `warning`; we use the words of --log-level.
std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return "trace";
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warn:
      return "warn";
    case LogLevel::error:
      return "error";
    case LogLevel::off:
      break;
  }
  ASSERT(false);
  return "";
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// One JSON string. Bytes that are no UTF-8 are not ours to mend here: callers log what has been
// validated or is ASCII, and a reader of JSON lines copes with the rest.
void append_json_string(fmt::memory_buffer& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (is_control(c)) {
      fmt::format_to(fmt::appender(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void append_escaped(fmt::memory_buffer& out, std::string_view text, bool quoted) {
  for (const char c : text) {
    if (is_control(c)) {
      fmt::format_to(fmt::appender(out), "\\x{:02x}", static_cast<unsigned>(c));
    } else {
      if (quoted && (c == '"' || c == '\\')) out.push_back('\\');
      out.push_back(c);
    }
  }
}

// Text of a value: bare where that is unambiguous, else in quotes.
void append_text_value(fmt::memory_buffer& out, std::string_view text) {
  const bool quoted = text.empty() || text.find_first_of(" \"\\=") != std::string_view::npos;
  if (quoted) out.push_back('"');
  append_escaped(out, text, quoted);
  if (quoted) out.push_back('"');
}

void append_number(fmt::memory_buffer& out, double number, LogFormat format) {
  const bool writable = format == LogFormat::text || std::isfinite(number);
  if (!writable) {
    fmt::format_to(fmt::appender(out), "null");  // JSON has no infinity
  } else {
    fmt::format_to(fmt::appender(out), "{}", number);
  }
}

template <typename T>
requires(!std::same_as<T, double> &&
         !std::same_as<T, std::string_view>) void append_value(fmt::memory_buffer& out, T value,
                                                               LogFormat) {
  fmt::format_to(fmt::appender(out), "{}", value);
}
void append_value(fmt::memory_buffer& out, double value, LogFormat format) {
  append_number(out, value, format);
}
void append_value(fmt::memory_buffer& out, std::string_view value, LogFormat format) {
  if (format == LogFormat::json) {
    append_json_string(out, value);
  } else {
    append_text_value(out, value);
  }
}

// Everything behind the time stamp.
void append_line(fmt::memory_buffer& out, LogLevel level, std::string_view event,
                 Log::Fields fields, LogFormat format) {
  const bool json = format == LogFormat::json;
  const char* const head = json ? "\"level\":\"{}\",\"event\":" : "{:<5} ";
  fmt::format_to(fmt::appender(out), fmt::runtime(head), name_of(level));
  if (json) {
    append_json_string(out, event);
  } else {
    append_escaped(out, event, false);
  }
  for (const LogField& field : fields) {
    fmt::format_to(fmt::appender(out), fmt::runtime(json ? ",\"{}\":" : " {}="), field.name);
    std::visit([&](auto value) { append_value(out, value, format); }, field.value);
  }
}

constexpr const char* text_pattern = "%Y-%m-%d %H:%M:%S.%e %v";
constexpr const char* json_pattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z",%v})";

}  // namespace

Log::Log(const LogOptions& options)
    : Log(options, std::make_shared<spdlog::sinks::stderr_sink_mt>()) {}

Log::Log(const LogOptions& options, std::shared_ptr<spdlog::sinks::sink> sink)
    : format_(options.format),
      logger_(std::make_unique<spdlog::logger>("ringpost", std::move(sink))) {
  logger_->set_level(to_spdlog(options.level));
  logger_->flush_on(spdlog::level::trace);
  logger_->set_pattern(format_ == LogFormat::json ? json_pattern : text_pattern);
}

Log::~Log() = default;

bool Log::writes(LogLevel level) const { return logger_->should_log(to_spdlog(level)); }

void Log::write(LogLevel level, std::string_view event, Fields fields) {
  ASSERT(level != LogLevel::off);
  if (!writes(level)) return;
  fmt::memory_buffer line;
  append_line(line, level, event, fields, format_);
  logger_->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace ringpost::daemon
