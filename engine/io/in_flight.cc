#include "engine/io/in_flight.h"

#ifdef RINGPOST_DEBUG

namespace ringpost::engine {

void InFlight::start(OpToken token, Fd socket) {
  const bool is_new = operations_.try_emplace(token.value, Operation{socket, {}}).second;
  ASSERT(is_new);  // else: two operations in flight could not be told apart
  ++per_socket_[socket];
}

void InFlight::start(OpToken token, Fd socket, std::span<const char> target) {
  start(token, socket);
  hold(operations_[token.value], target.data(), target.size());
}

void InFlight::start(OpToken token, Fd socket, const SendRequest& request) {
  start(token, socket);
  Operation& operation = operations_[token.value];
  hold(operation, &request, sizeof request);
  for (std::size_t i = 0; i < request.part_count; ++i) {
    hold(operation, request.parts[i].iov_base, request.parts[i].iov_len);
  }
}

void InFlight::hold(Operation& operation, const void* start, std::size_t bytes) {
  operation.memory.emplace_back(start, bytes);
  kernel_owned_.note(start, bytes);
}

void InFlight::finish(OpToken token) {
  const auto at = operations_.find(token.value);
  ASSERT(at != operations_.end());  // else: a second final completion
  for (const auto& [start, bytes] : at->second.memory) kernel_owned_.forget(start, bytes);
  const auto socket = per_socket_.find(at->second.socket);
  ASSERT(socket != per_socket_.end());
  if (--socket->second == 0) per_socket_.erase(socket);
  operations_.erase(at);
}

void InFlight::assert_idle(Fd socket) const { ASSERT(!per_socket_.contains(socket)); }

}  // namespace ringpost::engine

#endif
