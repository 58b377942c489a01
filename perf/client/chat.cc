// One sender, many listeners. A line is in flight until every listener has it, and the sender keeps
// at most `depth` in flight. A message is a delivery: one line at one listener. Lines are numbered,
// and what a listener receives is compared byte for byte with what it must be.

#include <algorithm>
#include <cstdio>
#include <vector>

#include "perf/client/meter.h"
#include "perf/client/repeated_stream.h"
#include "perf/client/scenarios.h"
#include "perf/client/socket.h"

namespace ringpost::perf {
namespace {

constexpr std::size_t line_bytes = 64;      // As sent, CR LF included.
constexpr std::string_view prefix = "s: ";  // The sender's nick in front of it.
constexpr std::size_t delivery_bytes = line_bytes + prefix.size();
constexpr std::uint64_t numbers = 8192;  // Lines are numbered modulo this.
constexpr std::size_t read_bytes_max = 256 * 1024;

// All numbered lines, with `begin` in front of each.
Period make_lines(std::string_view begin) {
  Period lines{{}, begin.size() + line_bytes};
  for (std::uint64_t number = 0; number < numbers; ++number) {
    char text[line_bytes + 1];
    std::snprintf(text, sizeof(text), "%08llu", static_cast<unsigned long long>(number));
    std::string line(text);
    line.resize(line_bytes - 2, 'x');
    lines.text += begin;
    lines.text += line + "\r\n";
  }
  return lines;
}

// Sender and listeners after everybody has joined. Joining has no answer, so the sender repeats a
// probe until each listener got one; the start line behind it reaches all, and the run begins.
class Room {
 public:
  explicit Room(const Options& options) : sender_(connect_loopback(options.port)) {
    send_all(sender_, "s\r\n");
    for (int i = 0; i < options.connections; ++i) {
      listeners_.push_back(connect_loopback(options.port));
      send_all(listeners_.back(), "listener\r\n");
    }
    for (const int listener : listeners_) await_probe(listener);
    send_all(sender_, "start\r\n");
    for (const int listener : listeners_) await_start(listener);
  }

  int sender() const { return sender_; }
  const std::vector<int>& listeners() const { return listeners_; }

 private:
  // Returns when a probe has come. It is read later, with those behind it.
  void await_probe(int listener) const {
    if (!Poller({&listener, 1}, true).wait().empty()) return;
    Poller poller({&listener, 1}, false);
    do {
      send_all(sender_, "probe\r\n");
    } while (poller.wait().empty());
  }

  // The start line is the last that is sent, so what ends in it is all there is.
  static void await_start(int listener) {
    std::string seen;
    char buffer[4096];
    while (!seen.ends_with("s: start\r\n")) {
      seen.append(buffer, receive_blocking(listener, buffer));
    }
  }

  int sender_;
  std::vector<int> listeners_;
};

class Broadcast {
 public:
  explicit Broadcast(const Options& options)
      : options_(options),
        room_(options),
        lines_(make_lines(""), static_cast<std::size_t>(options.depth) * line_bytes),
        deliveries_(make_lines(prefix), read_bytes_max),
        received_(room_.listeners().size()),
        buffer_(read_bytes_max) {
    missing_.assign(static_cast<std::size_t>(options.depth), room_.listeners().size());
  }

  void run(Meter& meter) {
    Poller poller(room_.listeners(), options_.spin);
    bool worked = true;
    while (meter.running(delivered_, worked)) {
      send_more();
      worked = turn(poller);
    }
    const std::int64_t deadline = now_ns() + 10'000'000'000;
    while (settled_ < sent_) {
      turn(poller);
      if (now_ns() > deadline) die("deliveries are missing at the end");
    }
    char byte = 0;
    if (receive_some(room_.sender(), {&byte, 1}) != 0) die("the sender got a line of its own");
  }

 private:
  void send_more() {
    const std::uint64_t room = static_cast<std::uint64_t>(options_.depth) - (sent_ - settled_);
    if (room == 0 || (options_.refill_whole && sent_ != settled_)) return;
    send_all(room_.sender(), lines_.slice(sent_ * line_bytes, room * line_bytes));
    sent_ += room;
  }

  bool turn(Poller& poller) {
    const auto events = poller.wait();
    for (const epoll_event& event : events) read(event.data.u32);
    return !events.empty();
  }

  void read(std::size_t listener) {
    const std::size_t got = receive_some(room_.listeners()[listener], buffer_);
    const std::uint64_t before = received_[listener];
    if (deliveries_.slice(before, got) != std::string_view(buffer_.data(), got)) {
      die("a delivery differs near line " + std::to_string(before / delivery_bytes));
    }
    received_[listener] = before + got;
    const std::uint64_t end = (before + got) / delivery_bytes;
    if (end > sent_) die("more deliveries than lines");
    for (std::uint64_t line = before / delivery_bytes; line < end; ++line) settle(line);
  }

  // One listener more has the line; the last one frees its place.
  void settle(std::uint64_t line) {
    ++delivered_;
    std::size_t& missing = missing_[line % missing_.size()];
    if (--missing != 0) return;
    missing = room_.listeners().size();
    // Listeners receive in order, so no line is complete before the one in front of it.
    ++settled_;
  }

  const Options& options_;
  Room room_;
  const RepeatedStream lines_;
  const RepeatedStream deliveries_;      // What a listener must see.
  std::vector<std::uint64_t> received_;  // Bytes, by listener.
  std::vector<std::size_t> missing_;     // Listeners that lack a line in flight, by number.
  std::vector<char> buffer_;
  std::uint64_t sent_ = 0;     // Lines.
  std::uint64_t settled_ = 0;  // Lines that every listener has.
  std::uint64_t delivered_ = 0;
};

}  // namespace

std::string run_chat(const Options& options) {
  Broadcast broadcast(options);
  Meter meter(options);
  broadcast.run(meter);
  return meter.json();
}

}  // namespace ringpost::perf
