// What the machine itself charges, measured by two threads on the two cores of a comparison, so
// that a row can be read as a multiple of it:
//   syscall      an empty system call
//   ping-pong    a flag going to the other core and back through the cache
//   copy         64 KiB that the other core has just written
//   round trip   64 bytes through a loopback connection and back, both sides sleeping or polling,
//                or polling with io_uring at this end
//   send         one loopback send of 1 .. 1024 messages of 64 bytes to each of 16 connections in
//                turn, whose reader keeps up: what a fan-out pays per listener

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "perf/client/meter.h"
#include "perf/client/scenarios.h"
#include "perf/client/socket.h"
#include "perf/client/uring_end.h"

namespace ringpost::perf {
namespace {

constexpr std::size_t message_bytes = 64;
constexpr std::size_t copied_bytes = 64 * 1024;
constexpr int rounds = 20'000;

// What the other threads of a floor waited for a CPU, noted by each at its end.
std::atomic<std::int64_t> others_waited_ns{0};

void note_waiting() { others_waited_ns.fetch_add(read_own_waited_ns(), std::memory_order_relaxed); }

double median(std::vector<double> samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

double since(std::int64_t start) { return static_cast<double>(now_ns() - start); }

double empty_syscall_ns() {
  constexpr int count = 1'000'000;
  const std::int64_t start = now_ns();
  for (int i = 0; i < count; ++i) syscall(SYS_getppid);
  return since(start) / count;
}

struct Flag {
  alignas(128) std::atomic<int> value{0};

  void await(int wanted) const {
    while (value.load(std::memory_order_acquire) != wanted) continue;
  }
  void set(int now) { value.store(now, std::memory_order_release); }
};

double ping_pong_ns(int other_cpu) {
  constexpr int count = 1'000'000;
  Flag there;
  Flag back;
  // Each side waits for the other's store and answers it; the pair of flags carries no other data.
  std::thread echo([&] {
    pin_to_cpu(other_cpu);
    for (int i = 1; i <= count; ++i) {
      there.await(i);
      back.set(i);
    }
    note_waiting();
  });
  const std::int64_t start = now_ns();
  for (int i = 1; i <= count; ++i) {
    there.set(i);
    back.await(i);
  }
  const double each = since(start) / count;
  echo.join();
  return each;
}

double copy_ns(int other_cpu) {
  constexpr int count = 4000;
  std::vector<char> theirs(copied_bytes);
  std::vector<char> ours(copied_bytes);
  Flag written;
  Flag copied;
  std::thread writer([&] {
    pin_to_cpu(other_cpu);
    for (int i = 1; i <= count; ++i) {
      std::fill(theirs.begin(), theirs.end(), static_cast<char>(i));
      written.set(i);
      copied.await(i);
    }
    note_waiting();
  });
  std::vector<double> samples;
  for (int i = 1; i <= count; ++i) {
    written.await(i);
    const std::int64_t start = now_ns();
    std::copy(theirs.begin(), theirs.end(), ours.begin());
    samples.push_back(since(start));
    if (ours.front() != static_cast<char>(i) || ours != theirs) die("a copy differs");
    copied.set(i);
  }
  writer.join();
  return median(samples);
}

struct Pair {
  int near;
  int far;
};

// A connected pair over loopback TCP.
Pair connect_pair() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(at);
  if (bind(listener, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    die("cannot listen on loopback");
  }
  const int near = connect_loopback(ntohs(at.sin_port));
  const int far = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (far < 0) die("cannot accept on loopback");
  close(listener);
  return {near, far};
}

std::size_t receive(int socket, std::span<char> into, bool spin) {
  if (!spin) return receive_blocking(socket, into);
  std::size_t got = 0;
  while (got == 0) got = receive_some(socket, into);
  return got;
}

enum class Trip : std::uint8_t { sleeping, polling, polling_by_uring };

double round_trip_ns(int other_cpu, Trip trip) {
  const bool spin = trip != Trip::sleeping;
  const Pair pair = connect_pair();
  const std::string message(message_bytes, 'x');
  std::thread echo([&] {
    pin_to_cpu(other_cpu);
    char buffer[message_bytes];
    for (int i = 0; i < rounds; ++i) {
      receive(pair.far, buffer, spin);
      send_all(pair.far, {buffer, message_bytes});
    }
    note_waiting();
  });
  std::vector<double> samples;
  std::optional<UringEnd> near;
  if (trip == Trip::polling_by_uring) near.emplace(pair.near);
  char buffer[message_bytes];
  for (int i = 0; i < rounds; ++i) {
    const std::int64_t start = now_ns();
    if (near) {
      near->round_trip(message);
    } else {
      send_all(pair.near, message);
      receive(pair.near, buffer, spin);
    }
    samples.push_back(since(start));
  }
  echo.join();
  close(pair.near);
  close(pair.far);
  return median(samples);
}

// The sender runs on the other CPU, where a server would; this thread reads all connections.
double send_ns(int other_cpu, std::size_t messages) {
  constexpr std::size_t connections = 16;
  const int bursts = static_cast<int>(std::max<std::size_t>(200, 4000 / messages));
  std::vector<int> near;
  std::vector<int> far;
  for (std::size_t i = 0; i < connections; ++i) {
    const Pair pair = connect_pair();
    near.push_back(pair.near);
    far.push_back(pair.far);
  }
  const std::string payload(messages * message_bytes, 'x');
  const std::uint64_t burst_bytes = payload.size() * connections;
  std::atomic<std::uint64_t> received{0};
  std::vector<double> samples;
  std::thread sender([&] {
    pin_to_cpu(other_cpu);
    for (int burst = 1; burst <= bursts; ++burst) {
      const std::int64_t start = now_ns();
      for (const int socket : far) send_all(socket, payload);
      samples.push_back(since(start) / static_cast<double>(connections));
      // A burst at a time, so that what is measured is a send to a reader that keeps up.
      while (received.load(std::memory_order_relaxed) !=
             static_cast<std::uint64_t>(burst) * burst_bytes)
        continue;
    }
    note_waiting();
  });
  std::vector<char> buffer(256 * 1024);
  Poller poller(near, true);
  const std::uint64_t all = static_cast<std::uint64_t>(bursts) * burst_bytes;
  std::uint64_t sum = 0;
  while (sum < all) {
    for (const epoll_event& event : poller.wait())
      sum += receive_some(near[event.data.u32], buffer);
    received.store(sum, std::memory_order_relaxed);
  }
  sender.join();
  for (const int socket : near) close(socket);
  for (const int socket : far) close(socket);
  return median(samples);
}

}  // namespace

std::string run_floors(const Options& options) {
  const int other = options.server_cpu;
  const std::int64_t start = now_ns();
  const std::int64_t own_waited_ns = read_own_waited_ns();
  std::string out = field("syscall_ns", empty_syscall_ns());
  out += field("ping_pong_ns", ping_pong_ns(other));
  out += field("copy_64k_ns", copy_ns(other));
  out += field("round_trip_blocking_ns", round_trip_ns(other, Trip::sleeping));
  out += field("round_trip_spinning_ns", round_trip_ns(other, Trip::polling));
  out += field("round_trip_uring_ns", round_trip_ns(other, Trip::polling_by_uring));
  for (const std::size_t messages : {1U, 16U, 64U, 256U, 1024U}) {
    const std::string name = "send_" + std::to_string(messages) + "_ns";
    out += field(name.c_str(), send_ns(other, messages));
  }
  const auto waited =
      static_cast<double>(others_waited_ns.load() + read_own_waited_ns() - own_waited_ns);
  return out + field("generator_waited", waited / since(start));
}

}  // namespace ringpost::perf
