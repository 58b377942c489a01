#include "engine/io/socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

namespace ringpost::engine {
namespace {

std::error_code last_error() { return {errno, std::system_category()}; }

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// inet_pton wants a terminated string.
bool parse_host(int family, std::string_view host, void* target) {
  if (host.find('\0') != std::string_view::npos) return false;
  return inet_pton(family, std::string(host).c_str(), target) == 1;
}

template <typename Address>
SocketAddress pack(const Address& address) {
  SocketAddress packed;
  std::memcpy(&packed.storage, &address, sizeof address);
  packed.length = sizeof address;
  return packed;
}

template <typename Address>
Address unpack(const SocketAddress& packed) {
  Address address;
  std::memcpy(&address, &packed.storage, sizeof address);
  return address;
}

// A descriptor that is closed unless it is released.
class FdGuard {
 public:
  explicit FdGuard(Fd fd) : fd_(fd) {}
  ~FdGuard() {
    if (fd_ != no_fd) ::close(fd_);
  }
  FdGuard(const FdGuard&) = delete;
  FdGuard& operator=(const FdGuard&) = delete;
  Fd get() const { return fd_; }
  Fd release() { return std::exchange(fd_, no_fd); }

 private:
  Fd fd_;
};

bool set_option(Fd socket, int level, int name, int value) {
  return setsockopt(socket, level, name, &value, sizeof value) == 0;
}

bool apply_keepalive(Fd socket, const TcpOptions& options) {
  const auto set_tcp = [socket](int name, std::uint32_t value) {
    return set_option(socket, IPPROTO_TCP, name, static_cast<int>(value));
  };
  if (options.user_timeout_ms > 0 && !set_tcp(TCP_USER_TIMEOUT, options.user_timeout_ms)) {
    return false;
  }
  if (options.keepalive_time_s == 0) return true;
  return set_tcp(TCP_KEEPIDLE, options.keepalive_time_s) &&
         set_tcp(TCP_KEEPINTVL, options.keepalive_interval_s) &&
         set_tcp(TCP_KEEPCNT, options.keepalive_count) &&
         set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
}

// Called before listen and connect: the window scale is agreed in the handshake.
bool apply(Fd socket, const TcpOptions& options) {
  if (options.nodelay && !set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1)) return false;
  if (!apply_keepalive(socket, options)) return false;
  if (options.receive_buffer_bytes > 0 &&
      !set_option(socket, SOL_SOCKET, SO_RCVBUF, static_cast<int>(options.receive_buffer_bytes))) {
    return false;
  }
  return options.send_buffer_bytes == 0 ||
         set_option(socket, SOL_SOCKET, SO_SNDBUF, static_cast<int>(options.send_buffer_bytes));
}

const sockaddr* raw(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr*>(&address.storage);
}

// Blocking on purpose: an io_uring waits by itself, and would answer EAGAIN on a non-blocking one.
Fd open_socket(const SocketAddress& address) {
  return ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

bool share_port(Fd socket) { return set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1); }

}  // namespace

Result<SocketAddress, std::error_code> parse_address(std::string_view text) {
  const auto invalid = Unexpected{std::error_code(EINVAL, std::system_category())};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid;
  std::string_view host = text.substr(0, colon);
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return invalid;

  if (host.starts_with('[') && host.ends_with(']')) {
    sockaddr_in6 address = {};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(*port);
    if (!parse_host(AF_INET6, host.substr(1, host.size() - 2), &address.sin6_addr)) return invalid;
    return pack(address);
  }
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(*port);
  if (!parse_host(AF_INET, host, &address.sin_addr)) return invalid;
  return pack(address);
}

std::string to_text(const SocketAddress& address) {
  char host[INET6_ADDRSTRLEN] = "?";
  if (address.storage.ss_family == AF_INET6) {
    const auto in6 = unpack<sockaddr_in6>(address);
    inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
    return '[' + std::string(host) + "]:" + std::to_string(ntohs(in6.sin6_port));
  }
  const auto in = unpack<sockaddr_in>(address);
  inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
  return std::string(host) + ':' + std::to_string(ntohs(in.sin_port));
}

Result<Fd, std::error_code> listen_on(const SocketAddress& address, const ListenOptions& options) {
  FdGuard socket(open_socket(address));
  if (socket.get() < 0) return Unexpected{last_error()};
  // A restarted server gets its port back although old connections linger.
  if (!set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return Unexpected{last_error()};
  if (!apply(socket.get(), options.tcp)) return Unexpected{last_error()};
  const PortSharing sharing = options.sharing;
  if (sharing == PortSharing::more && !share_port(socket.get())) return Unexpected{last_error()};
  if (::bind(socket.get(), raw(address), address.length) != 0) return Unexpected{last_error()};
  if (sharing == PortSharing::first && !share_port(socket.get())) return Unexpected{last_error()};
  if (::listen(socket.get(), options.backlog) != 0) return Unexpected{last_error()};
  return socket.release();
}

Result<SocketAddress, std::error_code> local_address(Fd socket) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0) {
    return Unexpected{last_error()};
  }
  return address;
}

Result<SocketAddress, std::error_code> peer_address(Fd socket) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0) {
    return Unexpected{last_error()};
  }
  return address;
}

Result<Fd, std::error_code> open_stream(const SocketAddress& address, const TcpOptions& options) {
  FdGuard socket(open_socket(address));
  if (socket.get() < 0) return Unexpected{last_error()};
  if (!apply(socket.get(), options)) return Unexpected{last_error()};
  return socket.release();
}

std::error_code bind_source(Fd socket, const SocketAddress& source) {
  const int on = 1;
  // Without it the port is taken at once, from all peers: 28,000 connections are the end.
  (void)setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&source.storage), source.length) == 0) {
    return {};
  }
  return last_error();
}

}  // namespace ringpost::engine
