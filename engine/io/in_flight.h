#pragma once

// InFlight: what the operations in flight hold. In debug builds it knows the socket and the memory
// of each, notes the memory as the kernel's until the final completion, and aborts when a token is
// used twice at a time, when a completion comes for nothing, or when a socket is closed under an
// operation. In release builds every call is empty.
//
// Owned by: one Io. Called on: owner only.

#include <cstddef>
#ifdef RINGPOST_DEBUG
#include <unordered_map>
#include <utility>
#include <vector>
#endif

#include "engine/base/kernel_owned.h"
#include "engine/io/io.h"

namespace ringpost::engine {

class InFlight {
 public:
#ifdef RINGPOST_DEBUG
  explicit InFlight(KernelOwned& kernel_owned) : kernel_owned_(kernel_owned) {}

  void start(OpToken token, Fd socket);
  void start(OpToken token, Fd socket, std::span<const char> target);
  void start(OpToken token, Fd socket, const SendRequest& request);
  void finish(OpToken token);
  void assert_idle(Fd socket) const;
  std::size_t count() const { return operations_.size(); }

 private:
  struct Operation {
    Fd socket = no_fd;
    std::vector<std::pair<const void*, std::size_t>> memory;
  };
  void hold(Operation& operation, const void* start, std::size_t bytes);

  KernelOwned& kernel_owned_;
  std::unordered_map<std::uint64_t, Operation> operations_;  // by token
  std::unordered_map<Fd, std::size_t> per_socket_;
#else
  explicit InFlight(KernelOwned&) {}
  void start(OpToken, Fd) {}
  void start(OpToken, Fd, std::span<const char>) {}
  void start(OpToken, Fd, const SendRequest&) {}
  void finish(OpToken) {}
  void assert_idle(Fd) const {}
  std::size_t count() const { return 0; }
#endif
};

}  // namespace ringpost::engine
