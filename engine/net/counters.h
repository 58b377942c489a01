#pragma once

// Counters: what one shard has done, as plain numbers that only the shard writes. The names here
// are the names in the JSON line.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringpost::engine {

// Why a connection ended. Each ends for exactly one reason.
enum class CloseReason : std::uint8_t {
  none,               // still open
  peer_closed,        // the peer ended its side, and everything owed to it was sent
  reset,              // the peer reset the connection, or vanished
  timed_out,          // keepalive or the user timeout found the peer dead
  protocol_error,     // the peer broke the protocol beyond what an error answer mends
  slow_consumer,      // more output waited for the peer than its limit
  handshake_timeout,  // the peer did not introduce itself in time
  linger_timeout,     // the peer did not take our last bytes within the time after our goodbye
  over_budget,        // it needed more memory of the shard than was left for its kind
  drain,              // the service is stopping
  refused,            // over --max-connections
  request_timeout,    // a request was begun and not finished in time
  idle_timeout,       // nothing was asked for too long
  upstream_failed,    // relayed: the upstream could not be reached in time
  other_side,         // relayed: the connection on the other side broke off
};
inline constexpr std::size_t close_reason_count = 15;

constexpr std::string_view to_text(CloseReason reason) {
  constexpr std::array<std::string_view, close_reason_count> texts = {
      "none",          "peer_closed",       "reset",          "timed_out",       "protocol_error",
      "slow_consumer", "handshake_timeout", "linger_timeout", "over_budget",     "drain",
      "refused",       "request_timeout",   "idle_timeout",   "upstream_failed", "other_side"};
  return texts[static_cast<std::size_t>(reason)];
}

struct Counters {
  // Connections.
  std::uint64_t accepted = 0;       // sockets that this shard's listeners accepted
  std::uint64_t accept_failed = 0;  // EMFILE and its kin: accepting paused
  std::uint64_t opened = 0;
  std::array<std::uint64_t, close_reason_count> closed = {};
  std::uint64_t dials = 0;            // attempts to connect, of all addresses of a name each
  std::uint64_t dials_connected = 0;  // of these
  std::uint64_t dials_failed = 0;
  std::uint64_t lookups_failed = 0;  // names without an address, or without an answer
  // Traffic.
  std::uint64_t receives = 0;  // buffers
  std::uint64_t received_bytes = 0;
  std::uint64_t sends = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t requests = 0;        // lines, frames: what the sessions parsed
  std::uint64_t messages_local = 0;  // delivered on the shard that sent them
  std::uint64_t messages_stale = 0;  // disposed of: nobody there any more
  std::uint64_t log_appended_bytes = 0;
  // Limits, each counted when it acts.
  std::uint64_t receive_starved = 0;      // no buffer was free (-ENOBUFS)
  std::uint64_t receives_not_kept = 0;    // copied, for want of a buffer to spare
  std::uint64_t input_stalled = 0;        // a connection's parsing stopped mid-input
  std::uint64_t input_cancelled = 0;      // its receive was taken back until it goes on
  std::uint64_t output_high = 0;          // a connection's output passed its high mark
  std::uint64_t linger_time_over = 0;     // after our goodbye the peer did not close in time
  std::uint64_t linger_bytes_over = 0;    // ... but sent more than may be discarded
  std::uint64_t turn_input_ended = 0;     // a turn had parsed, delivered or logged its share
  std::uint64_t turn_timers_put_off = 0;  // more timers were due than a turn handles
  std::uint64_t lanes_congested = 0;      // a lane was full: a spill began
  std::uint64_t spill_messages_max = 0;   // the longest spill
  std::uint64_t limit_line_too_long = 0;  // protocol limits
  std::uint64_t limit_frame_too_long = 0;
  std::uint64_t limit_held_frames = 0;     // large frames held all that they may
  std::uint64_t limit_head_too_large = 0;  // of a request: its target, its fields
  std::uint64_t limit_body_too_large = 0;
  std::uint64_t limit_held_bodies = 0;      // gathered bodies held all that they may
  std::uint64_t limit_registrations = 0;    // of the message relay: no room for another
  std::uint64_t registrations_expired = 0;  // nobody had connected
  std::uint64_t limit_topics = 0;           // a subscriber wanted too many, or too long ones
  std::uint64_t limit_publish_waits = 0;    // a publisher waited for a full queue
  std::uint64_t limit_replies = 0;          // a reply queue was full
  std::uint64_t limit_tickers = 0;
  std::uint64_t limit_room_spill = 0;  // a room paused its senders
  std::uint64_t protocol_errors = 0;   // error answers given
};

}  // namespace ringpost::engine
