#include "perf/client/flows.h"

#include <algorithm>

#include "perf/client/socket.h"

namespace ringpost::perf {

Flows::Flows(const RepeatedStream& stream, const std::vector<FlowEnds>& ends)
    : stream_(stream), checker_(stream, ends.size()), buffer_(read_bytes_max) {
  for (const FlowEnds& one : ends) flows_.push_back({one, stream.start(flows_.size())});
}

void Flows::run(Meter& meter) {
  bool worked = true;
  while (meter.running(came_out_, worked)) worked = turn();
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
  const std::size_t bytes = bytes_to_send(flow);
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

std::size_t Flows::bytes_to_send(const Flow& flow) const {
  const std::size_t begun = flow.sent % stream_.message_bytes();
  return begun == 0 && !beginning_ ? 0 : stream_.message_bytes() - begun;
}

bool Flows::is_settled() const {
  return std::all_of(flows_.begin(), flows_.end(), [this](const Flow& flow) {
    return flow.came_out * stream_.message_bytes() == flow.sent;
  });
}

}  // namespace ringpost::perf
