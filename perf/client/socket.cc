#include "perf/client/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ringpost::perf {

void die(const std::string& message) {
  std::fprintf(stderr, "ringpost-perf-client: %s\n", message.c_str());
  std::exit(1);
}

int connect_loopback(std::uint16_t port) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) die(std::string("socket: ") + std::strerror(errno));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
    die(std::string("connect: ") + std::strerror(errno));
  }
  set_no_delay(socket_fd);
  return socket_fd;
}

void set_no_delay(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

std::size_t send_some(int socket, std::string_view bytes) {
  const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno != EAGAIN && errno != EINTR) die(std::string("send: ") + std::strerror(errno));
  return 0;
}

void send_all(int socket, std::string_view bytes) {
  if (send_some(socket, bytes) != bytes.size()) die("the server does not take its input");
}

std::size_t receive_some(int socket, std::span<char> into) {
  const ssize_t got = recv(socket, into.data(), into.size(), MSG_DONTWAIT);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) die("the server closed a connection");
  if (errno != EAGAIN && errno != EINTR) die(std::string("recv: ") + std::strerror(errno));
  return 0;
}

std::size_t receive_blocking(int socket, std::span<char> into) {
  const ssize_t got = recv(socket, into.data(), into.size(), 0);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) die("the server closed a connection");
  die(std::string("recv: ") + std::strerror(errno));
}

std::string receive_line(int socket) {
  std::string line;
  char byte = 0;
  while (byte != '\n') {
    receive_blocking(socket, {&byte, 1});
    line.push_back(byte);
  }
  return line;
}

void raise_open_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void pin_to_cpu(int cpu) {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) die("cannot pin to the CPU asked for");
}

Poller::Poller(std::span<const int> sockets, bool spin)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timeout_ms_(spin ? 0 : 100),
      events_(std::min<std::size_t>(sockets.size(), 256)) {
  for (std::uint32_t index = 0; index < sockets.size(); ++index) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = index;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, sockets[index], &event) != 0) {
      die(std::string("epoll_ctl: ") + std::strerror(errno));
    }
  }
}

Poller::~Poller() { close(epoll_); }

std::span<const epoll_event> Poller::wait() {
  const int count =
      epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_ms_);
  if (count < 0 && errno != EINTR) die(std::string("epoll_wait: ") + std::strerror(errno));
  return {events_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

}  // namespace ringpost::perf
