#pragma once

// Sockets before the ring has them: addresses as text, listening sockets, and the options that
// accepted sockets inherit. Called on: any thread, at start-up and for outgoing connections; never
// on the hot path.

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "engine/base/result.h"
#include "engine/io/io.h"
#include "engine/io/tcp_options.h"

namespace ringpost::engine {

// Listeners that share a port have the kernel hash its connections over them. It would let any
// process of the same user join them as well, and take a part of the connections unnoticed: so the
// first of them binds as one who shares nothing, and lets others in from then on.
enum class PortSharing : std::uint8_t {
  none,   // the port is this listener's alone
  first,  // alone when it binds; shared afterwards
  more,   // joins those who share the port
};

struct ListenOptions {
  TcpOptions tcp;
  int backlog = 4096;  // the kernel caps it at net.core.somaxconn
  PortSharing sharing = PortSharing::none;
};

// Parses "1.2.3.4:80" or "[::1]:80". Names are not looked up. Error: EINVAL.
Result<SocketAddress, std::error_code> parse_address(std::string_view text);
// The inverse; "[...]" around IPv6.
std::string to_text(const SocketAddress& address);

// A bound, listening, close-on-exec socket. Owned by the caller.
Result<Fd, std::error_code> listen_on(const SocketAddress& address, const ListenOptions& options);
// The address a socket is bound to (the port that the kernel chose for port 0).
Result<SocketAddress, std::error_code> local_address(Fd socket);
// The address of whom a socket is connected to.
Result<SocketAddress, std::error_code> peer_address(Fd socket);
// An unconnected, close-on-exec socket of the address's family, for Io::connect. Owned by the
// caller.
Result<Fd, std::error_code> open_stream(const SocketAddress& address, const TcpOptions& options);

// See Io::bind_source.
std::error_code bind_source(Fd socket, const SocketAddress& source);

}  // namespace ringpost::engine
