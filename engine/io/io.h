#pragma once

// Io: the seam between the engine and the kernel. Completion based: an operation is started by one
// call, and its outcome comes back as a Completion from a later `turn`. Calls are per operation or
// per turn, never per message, so that a virtual call costs nothing. UringIo drives an io_uring;
// the tests' SimIo is a seeded fake network behind the same calls.
//
// Owned by: one shard. Called on: the owner's thread only, except `wake_from_any_thread`.
//
// Invariants every implementation keeps:
//  1. Each started operation is answered by exactly one final completion (`more` false), cancelled
//  or not. Multishot operations
//     (accept, receive) may be answered by any number of completions with `more` true before it.
//  2. Memory given to an operation (a SendRequest and what its parts point to, a receive_once
//  target) belongs to it until the
//     final completion has been returned by `turn`.
//  3. Completions of one socket's receives come in stream order. Between operations any order may
//  happen; a cancelled operation
//     may still succeed.
//  4. A received buffer stays readable until `give_back`; each one that is handed out is given back
//  exactly once.

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/io/tcp_options.h"

namespace ringpost::engine {

// A socket. The engine never looks inside, so that the simulator may number its own.
using Fd = int;
inline constexpr Fd no_fd = -1;

enum class OpKind : std::uint8_t {
  none,          // no operation; a completion never carries it
  accept,        // multishot: one completion per accepted socket
  receive,       // multishot: one completion per filled buffer
  receive_once,  // into memory of the caller
  send,
  connect,
  internal,  // the implementation's own (wakes, cancels); never returned by turn
};

// What an operation is for, echoed by its completions: a kind, and the slot and generation of
// whoever started it. A completion whose generation is no longer the slot's is stale: its buffer is
// given back and it is dropped.
struct OpToken {
  std::uint64_t value = 0;

  static constexpr std::uint32_t generation_max = (1u << 24) - 1;

  static constexpr OpToken make(OpKind kind, std::uint32_t slot, std::uint32_t generation) {
    return {(std::uint64_t{static_cast<std::uint8_t>(kind)} << 56) |
            (std::uint64_t{generation & generation_max} << 32) | slot};
  }
  constexpr OpKind kind() const { return static_cast<OpKind>(value >> 56); }
  constexpr std::uint32_t generation() const {
    return static_cast<std::uint32_t>(value >> 32) & generation_max;
  }
  constexpr std::uint32_t slot() const { return static_cast<std::uint32_t>(value); }
  friend constexpr bool operator==(OpToken, OpToken) = default;
};

using BufferId = std::uint16_t;

class Io;

struct Completion {
  OpToken token;
  // accept: the new socket. receive, receive_once, send: bytes, 0 is the peer's end of stream.
  // connect: 0. Negative: -errno. -ENOBUFS ends a receive because no buffer was free: start it
  // again once buffers came back. An accept or receive that ends with a success (a socket, bytes)
  // was only interrupted (many completions at a time): start it again at once.
  std::int32_t result = 0;
  bool more = false;        // the operation goes on; false: this was its final completion
  bool has_buffer = false;  // `buffer` and `data` are valid, and the buffer must be given back
  BufferId buffer = 0;
  const char* data = nullptr;  // `result` bytes when has_buffer and result > 0
};

// Bytes of a received buffer that was kept to be sent from. Whoever has them gives the buffer back.
struct KeptBytes {
  Io* home;
  const char* data;
  std::uint32_t bytes;
  BufferId buffer;

  inline void give_back() const;
};

// What one send reads: up to parts_max pieces, in order. Filled by the caller, owned by the
// operation until its completion.
struct SendRequest {
  static constexpr std::size_t parts_max = 64;

  std::array<iovec, parts_max> parts;
  std::uint32_t part_count = 0;
  std::uint32_t bytes = 0;  // sum of the parts
  msghdr header = {};       // the implementation's scratch
};

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t length = 0;
};

enum class Shutdown : std::uint8_t { receive, send, both };

// How a shard that is out of work goes to sleep without losing a wake. Implemented by the shard
// over its Parker; the other half of the handshake is explained in engine/ring/parker.h.
class SleepGate {
 public:
  // True if other shards or threads left work. Cheap: polled while spinning.
  virtual bool work_pending() const = 0;
  // Announces the sleep, then looks once more at every lane and the inbox. True: the caller may
  // sleep, and must call leave_sleep afterwards. False: there is work, and the announcement is
  // taken back.
  virtual bool try_enter_sleep() = 0;
  virtual void leave_sleep() = 0;

 protected:
  ~SleepGate() = default;
};

// What a turn may spend.
struct TurnLimits {
  Nanos deadline = 0;  // wait for completions no longer than until then; 0 or past: do not wait
  Nanos spin = 0;      // poll that long before sleeping
  std::size_t completions_max;  // return at most that many; 0: submit only
};

class Io {
 public:
  virtual ~Io() = default;

  // Starts accepting on a listening socket until cancelled or failed (-EMFILE and its kin end it).
  virtual void accept(Fd listener, OpToken token) = 0;
  // Starts receiving into the implementation's buffers until the peer ends, an error, a cancel, or
  // -ENOBUFS. With `when_readable` the first attempt waits for data instead of looking at once: for
  // the start after -ENOBUFS.
  virtual void receive(Fd socket, OpToken token, bool when_readable) = 0;
  // Receives once into `target`. Requires: target is not empty.
  virtual void receive_once(Fd socket, std::span<char> target, OpToken token) = 0;
  // Sends all parts; at most one send of a socket may be in flight. A result below request.bytes
  // means that the stream is broken or the operation was cancelled after that many bytes. Requires:
  // request.part_count > 0, request.bytes > 0.
  virtual void send(Fd socket, SendRequest& request, OpToken token) = 0;
  // A socket of the address's family, for `connect`; at once, no completion. Owned by the caller.
  virtual Result<Fd, std::error_code> open_stream(const SocketAddress& address,
                                                  const TcpOptions& options) = 0;
  // Gives a socket made by `open_stream` the address to connect from; at once, no completion. Port
  // 0 leaves the port to the kernel, which then chooses by the whole connection, so that one
  // address has as many ports for each peer.
  virtual std::error_code bind_source(Fd, const SocketAddress&) {
    return std::make_error_code(std::errc::operation_not_supported);
  }
  // Connects a socket made by `open_stream`. The address is copied. A socket that met only itself
  // (a port of this machine on which nobody listened, drawn as its own) is refused.
  virtual void connect(Fd socket, const SocketAddress& address, OpToken token) = 0;
  // Asks the operation with this token to end soon. Its final completion still comes; no completion
  // is returned for the cancel.
  virtual void cancel(OpToken token) = 0;

  // At once, no completion. Shutting down ends the operations of that direction.
  virtual void shutdown(Fd socket, Shutdown how) = 0;
  // Requires: no operation on it is in flight.
  virtual void close(Fd socket) = 0;
  // The same, but the peer gets a reset instead of an orderly end, and what it has not got of what
  // was sent is dropped.
  virtual void close_by_reset(Fd socket) = 0;
  // How much of what was sent the peer has not got; 0 once it never will. At once, but not for the
  // hot path.
  virtual std::uint64_t undelivered_bytes(Fd socket) = 0;
  // Whether the connection is no more because its peer left several tries unanswered: what a send
  // that was broken off amid its bytes does not tell. At once, but not for the hot path.
  virtual bool peer_fell_silent(Fd socket) = 0;

  // Gives a received buffer back. Requires: it is handed out.
  virtual void give_back(BufferId buffer) = 0;
  // Whether so many buffers are not handed out that one of those may be kept beyond the turn, to be
  // sent from: all receives of the shard live on the others meanwhile.
  virtual bool can_spare_buffer() const = 0;

  // Wakes another shard that claimed to sleep (its Parker was claimed by the caller). Goes out with
  // the next submission.
  virtual void wake(std::uint32_t shard) = 0;
  // Wakes this Io's own shard. Called on: any thread.
  virtual void wake_from_any_thread() = 0;

  // Submits what was started, and returns completions; the span is valid until the next turn. Waits
  // (spinning first, then asleep through `gate`) only if there is nothing to return, the deadline
  // is ahead, and the gate allows it. May return nothing.
  virtual std::span<const Completion> turn(const TurnLimits& limits, SleepGate& gate) = 0;
  // How long all turns have polled without finding anything: what a thread's CPU time says too much
  // about how busy it is.
  virtual Nanos spun_nanos() const { return 0; }
};

inline void KeptBytes::give_back() const { home->give_back(buffer); }

}  // namespace ringpost::engine
