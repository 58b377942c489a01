#include "tools/ringpost/report_json.h"

#include <fmt/format.h>

#include <iterator>

namespace ringpost::daemon {

namespace {

using engine::Counters;
using engine::FullReport;

// Builds one object. Values are numbers or objects only, so nothing needs escaping.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  ~JsonObject() { out_ += '}'; }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  void number(std::string_view name, std::uint64_t value) {
    key(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }
  template <typename Numbers>
  void numbers(std::string_view name, const Numbers& values) {
    key(name);
    fmt::format_to(std::back_inserter(out_), "[{}]", fmt::join(values, ","));
  }
  std::string& key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    fmt::format_to(std::back_inserter(out_), "\"{}\":", name);
    return out_;
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void add_closed(std::string& out, const Counters& counters) {
  JsonObject object(out);
  for (std::size_t i = 1; i < engine::close_reason_count; ++i) {
    object.number(to_text(static_cast<engine::CloseReason>(i)), counters.closed[i]);
  }
}

void add_traffic(std::string& out, const FullReport& report) {
  const Counters& counters = report.shard.counters;
  JsonObject object(out);
  object.number("receives", counters.receives);
  object.number("received_bytes", counters.received_bytes);
  object.number("sends", counters.sends);
  object.number("sent_bytes", counters.sent_bytes);
  object.number("requests", counters.requests);
  object.number("messages_local", counters.messages_local);
  object.number("messages_stale", counters.messages_stale);
  object.number("log_appended_bytes", counters.log_appended_bytes);
}

void add_limits(std::string& out, const Counters& counters) {
  JsonObject object(out);
  object.number("accept_failed", counters.accept_failed);
  object.number("receive_starved", counters.receive_starved);
  object.number("receives_not_kept", counters.receives_not_kept);
  object.number("input_stalled", counters.input_stalled);
  object.number("input_cancelled", counters.input_cancelled);
  object.number("output_high", counters.output_high);
  object.number("linger_time_over", counters.linger_time_over);
  object.number("linger_bytes_over", counters.linger_bytes_over);
  object.number("turn_input_ended", counters.turn_input_ended);
  object.number("turn_timers_put_off", counters.turn_timers_put_off);
  object.number("lanes_congested", counters.lanes_congested);
  object.number("spill_messages_max", counters.spill_messages_max);
  object.number("line_too_long", counters.limit_line_too_long);
  object.number("frame_too_long", counters.limit_frame_too_long);
  object.number("held_frames", counters.limit_held_frames);
  object.number("head_too_large", counters.limit_head_too_large);
  object.number("body_too_large", counters.limit_body_too_large);
  object.number("held_bodies", counters.limit_held_bodies);
  object.number("registrations", counters.limit_registrations);
  object.number("registrations_expired", counters.registrations_expired);
  object.number("topics", counters.limit_topics);
  object.number("publish_waits", counters.limit_publish_waits);
  object.number("replies", counters.limit_replies);
  object.number("tickers", counters.limit_tickers);
  object.number("room_spill", counters.limit_room_spill);
  object.number("protocol_errors", counters.protocol_errors);
}

void add_dials(std::string& out, const Counters& counters) {
  JsonObject object(out);
  object.number("attempts", counters.dials);
  object.number("connected", counters.dials_connected);
  object.number("failed", counters.dials_failed);
  object.number("lookups_failed", counters.lookups_failed);
}

void add_io(std::string& out, const engine::UringCounters& io) {
  JsonObject object(out);
  object.number("enters", io.enters);
  object.number("sleeps", io.sleeps);
  object.number("completions", io.completions);
  object.number("overflows", io.overflows);
  object.number("wakes_sent", io.wakes_sent);
  object.number("wakes_received", io.wakes_received);
}

void add_shard(std::string& out, const FullReport& report) {
  const Counters& counters = report.shard.counters;
  JsonObject object(out);
  object.number("shard", report.shard.index);
  object.number("cpu", report.cpu);
  object.number("accepted", counters.accepted);
  object.number("opened", counters.opened);
  object.number("open", report.shard.connections_open);
  add_closed(object.key("closed"), counters);
  add_dials(object.key("dials"), counters);
  add_traffic(object.key("traffic"), report);
  object.numbers("lane_sent", report.shard.lane_sent);
  object.numbers("lane_received", report.shard.lane_received);
  add_limits(object.key("limits"), counters);
  object.number("buffer_bytes", report.shard.buffer_bytes);
  object.numbers("turn_us_pow2", report.shard.turn_times.turns);
  object.number("longest_turn_ns", static_cast<std::uint64_t>(report.shard.turn_times.longest));
  add_io(object.key("io"), report.io);
}

void add_resolver(std::string& out, const engine::ResolverCounters& counters) {
  JsonObject object(out);
  object.number("requests", counters.requests);
  object.number("lookups", counters.lookups);
  object.number("failed", counters.failed);
  object.number("refused", counters.refused);
}

}  // namespace

std::string report_json(std::span<const FullReport> shards,
                        const engine::ResolverCounters& resolver) {
  std::string out;
  {
    JsonObject object(out);
    std::string& list = object.key("shards");
    list += '[';
    for (const FullReport& report : shards) {
      if (&report != &shards.front()) list += ',';
      add_shard(list, report);
    }
    list += ']';
    add_resolver(object.key("resolver"), resolver);
  }
  out += '\n';
  return out;
}

}  // namespace ringpost::daemon
