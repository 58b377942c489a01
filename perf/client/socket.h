#pragma once

// The few socket calls that the client needs. Every failure ends the program with its errno text:
// a run that lost a connection has measured nothing.

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::perf {

[[noreturn]] void die(const std::string& message);

// A connection to 127.0.0.1, with TCP_NODELAY. Closing is left to the end of the process.
int connect_loopback(std::uint16_t port);

void set_no_delay(int socket);

// Sends what the kernel takes now and returns how much that is.
std::size_t send_some(int socket, std::string_view bytes);

// Sends all of it. What is in flight is bounded far below the socket buffers, so a send that takes
// only a part means that the server does not read.
void send_all(int socket, std::string_view bytes);

// Bytes received, 0 if there are none yet (without waiting). The end of the stream is a failure.
std::size_t receive_some(int socket, std::span<char> into);

// Waits for at least one byte.
std::size_t receive_blocking(int socket, std::span<char> into);

// Reads up to and including the next line feed, one reply at a time, for set-up and final checks.
std::string receive_line(int socket);

void raise_open_file_limit();
void pin_to_cpu(int cpu);

// An epoll set over many sockets, each known by its index.
class Poller {
 public:
  Poller(std::span<const int> sockets, bool spin);
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  // The indices that are readable. Empty if there are none now (spin) or for 100 ms (block).
  std::span<const epoll_event> wait();

 private:
  int epoll_;
  int timeout_ms_;
  std::vector<epoll_event> events_;
};

}  // namespace ringpost::perf
