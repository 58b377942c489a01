#pragma once

// TcpOptions: the TCP settings of a socket as data. Applied to a listener, they are inherited by
// the sockets that it accepts, at no call per connection; applied to an outgoing socket before it
// connects.

#include <cstdint>

namespace ringpost::engine {

// Keepalive finds a dead peer on an idle connection: after `keepalive_time_s` without traffic, then
// every `keepalive_interval_s`, `keepalive_count` times. With data in flight the retransmissions
// decide, which the user timeout bounds. The kernel lets the user timeout stand in for the count
// once it is set (tcp(7)), so the default lies just below time + interval x count, and both agree.
struct TcpOptions {
  bool nodelay = true;
  std::uint32_t receive_buffer_bytes = 0;     // SO_RCVBUF; 0: the kernel decides and tunes
  std::uint32_t send_buffer_bytes = 0;        // SO_SNDBUF; 0: the kernel decides and tunes
  std::uint32_t keepalive_time_s = 10;        // 0: no keepalive
  std::uint32_t keepalive_interval_s = 5;     // 1..32767
  std::uint32_t keepalive_count = 9;          // 1..127
  std::uint32_t user_timeout_ms = 54 * 1000;  // 0: the kernel decides, some 15 minutes
};

}  // namespace ringpost::engine
