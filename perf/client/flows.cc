#include "perf/client/flows.h"

#include <algorithm>

#include "perf/client/socket.h"

namespace ringpost::perf {

Flows::Flows(const Options& options, const RepeatedStream& stream, std::size_t write_bytes,
             std::uint64_t messages_max, const std::vector<FlowEnds>& ends)
    : options_(options),
      stream_(stream),
      write_bytes_(write_bytes),
      messages_max_(messages_max),
      checker_(stream, ends.size()),
      buffer_(read_bytes_max) {
  for (const FlowEnds& one : ends) flows_.push_back({one, stream.start(flows_.size())});
}

void Flows::run(Meter& meter) {
  bool worked = true;
  while (meter.running(came_out_, worked)) {
    worked = turn();
    if (!worked && !options_.spin) wait();
  }
  beginning_ = false;
  const std::int64_t deadline = now_ns() + 10'000'000'000;
  while (!is_settled()) {
    turn();
    if (now_ns() > deadline) die("bytes are missing at the end");
  }
}

bool Flows::turn() {
  bool worked = false;
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    worked |= pull(i);
    worked |= push(flows_[i]);
  }
  return worked;
}

bool Flows::push(Flow& flow) {
  const std::size_t bytes = std::min<std::uint64_t>(bytes_to_send(flow), write_bytes_);
  if (bytes == 0) return false;
  const std::size_t sent =
      send_some(flow.ends.into_server, stream_.slice(flow.start + flow.sent, bytes));
  flow.sent += sent;
  return sent != 0;
}

bool Flows::pull(std::size_t index) {
  Flow& flow = flows_[index];
  const std::size_t got = receive_some(flow.ends.out_of_server, buffer_);
  if (got == 0) return false;
  const std::size_t completed = checker_.check(index, {buffer_.data(), got});
  flow.came_out += completed;
  came_out_ += completed;
  if (flow.came_out * stream_.message_bytes() > flow.sent) die("more came out than went in");
  return true;
}

std::uint64_t Flows::bytes_to_send(const Flow& flow) const {
  const std::uint64_t message = stream_.message_bytes();
  if (beginning_) return (flow.came_out + messages_max_) * message - flow.sent;
  return (message - flow.sent % message) % message;
}

bool Flows::is_settled() const {
  return std::all_of(flows_.begin(), flows_.end(), [this](const Flow& flow) {
    return flow.came_out * stream_.message_bytes() == flow.sent;
  });
}

void Flows::wait() {
  polled_.clear();
  for (const Flow& flow : flows_) {
    polled_.push_back({flow.ends.out_of_server, POLLIN, 0});
    if (bytes_to_send(flow) != 0) polled_.push_back({flow.ends.into_server, POLLOUT, 0});
  }
  wait_for_any(polled_);
}

}  // namespace ringpost::perf
