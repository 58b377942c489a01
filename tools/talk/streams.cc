#include "tools/talk/streams.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

namespace ringpost::talk {

namespace {

constexpr std::size_t copy_bytes = 64 << 10;

// Somebody else may have made a stream non-blocking for all who share it.
bool worth_another_try(int descriptor, short events) {
  if (errno == EAGAIN) {
    pollfd ready = {descriptor, events, 0};
    ::poll(&ready, 1, -1);
  }
  return errno == EAGAIN || errno == EINTR;
}

// How many bytes, 0 at the end or when there is no use for any more.
std::size_t read_input(int socket, std::vector<char>& buffer) {
  while (true) {
    // No events of the socket are asked for; those of its end come all the same.
    pollfd sources[2] = {{STDIN_FILENO, POLLIN, 0}, {socket, 0, 0}};
    if (::poll(sources, 2, -1) < 0) continue;  // EINTR
    if (sources[1].revents != 0) return 0;
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EAGAIN || errno == EINTR) continue;
    say(std::string("cannot read standard input: ") + std::strerror(errno));
    return 0;
  }
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool print_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (!worth_another_try(STDOUT_FILENO, POLLOUT)) {
      return false;
    }
  }
  return true;
}

}  // namespace

void say(const std::string& text) {
  const std::string line = "ringpost-talk: " + text + "\n";
  // Nobody is left to be told if that fails.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

void copy_input_to(int socket) {
  std::vector<char> buffer(copy_bytes);
  while (const std::size_t count = read_input(socket, buffer)) {
    if (!send_all(socket, {buffer.data(), count})) break;
  }
  ::shutdown(socket, SHUT_WR);
}

void copy_text_to(int socket, const std::string& text) {
  send_all(socket, text);
  ::shutdown(socket, SHUT_WR);
}

bool copy_to_output(int socket) {
  std::vector<char> buffer(copy_bytes);
  while (true) {
    const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    if (print_all({buffer.data(), static_cast<std::size_t>(count)})) continue;
    say(std::string("cannot write to standard output: ") + std::strerror(errno));
    return false;
  }
}

}  // namespace ringpost::talk
