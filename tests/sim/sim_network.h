#pragma once

// SimNetwork: TCP as an application sees it, from a seed. Connections are two byte streams, each
// with a bounded buffer at the sender and one at the receiver; what is between them is cut into
// segments that arrive late, in order, or not at all, because the connection is reset. There is no
// loss and no reordering within a stream: that is TCP's own business.
//
// The process under test has sockets: descriptors, the lowest free one first, as a kernel gives
// them, so that a stale descriptor soon means somebody else. The tests' ends of connections, those
// that connect and those that the process connects to, are endpoints without a descriptor.

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/io/io.h"
#include "tests/sim/sim_schedule.h"

namespace ringpost::sim {

// One end of a connection; the other end's number differs in the last bit.
using EndpointId = std::uint32_t;
inline constexpr EndpointId no_endpoint = UINT32_MAX;

// Who ended a connection by a reset.
enum class ResetCause : std::uint8_t { none, connecting_end, accepting_end, path };

// Learns that looking again at a socket or endpoint could be worth it. `tag` is what was
// registered.
class SocketObserver {
 public:
  virtual void on_readable(std::uint64_t tag) = 0;  // bytes, end, error, a connection to accept
  virtual void on_writable(std::uint64_t tag) = 0;  // room, error, connected or refused

 protected:
  ~SocketObserver() = default;
};

// Somebody outside of the process under test whom it may connect to.
class SimAcceptor {
 public:
  enum class Answer : std::uint8_t {
    accepts,
    refuses,
    silent,  // the connecting end tries again, as TCP does
  };
  virtual Answer on_syn() = 0;
  // What on_syn accepted; the end may be spoken to from now on.
  virtual void on_connection(EndpointId id) = 0;

 protected:
  ~SimAcceptor() = default;
};

class SimNetwork final : public SimTarget {
 public:
  // Far from the descriptors of the real process, so that a real system call on one fails.
  static constexpr engine::Fd first_fd = 1'000'000;

  explicit SimNetwork(SimContext& context) : context_(context) {}
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  // --- sockets of the process under test

  engine::Fd listen();
  engine::Fd open_stream();
  static engine::SocketAddress address(std::uint16_t port);
  std::uint16_t port_of(engine::Fd listener) const;
  void observe(engine::Fd fd, SocketObserver* observer);  // tag: the fd
  bool is_listener(engine::Fd fd) const;
  bool is_open(engine::Fd fd) const;
  std::size_t open_count() const { return open_count_; }
  bool at_fd_limit() const {
    return context_.faults.fd_limit != 0 && open_count_ >= context_.faults.fd_limit;
  }
  bool can_accept(engine::Fd listener) const { return !at(listener).pending.empty(); }
  // Requires: can_accept, and not at the limit.
  engine::Fd accept(engine::Fd listener);
  // The first waiting connection dies before it is accepted. Requires: can_accept.
  void abort_pending(engine::Fd listener);
  void connect(engine::Fd fd, const engine::SocketAddress& address);
  void shutdown(engine::Fd fd, engine::Shutdown how);
  void close(engine::Fd fd);
  void reset(engine::Fd fd);
  // no_endpoint while it is not connected.
  EndpointId endpoint_of(engine::Fd fd) const { return at(fd).endpoint; }

  // --- endpoints, of either side

  // A test's connection to a port; `observer` hears of the outcome as on_writable.
  EndpointId connect_to(std::uint16_t port, SocketObserver* observer, std::uint64_t tag);
  // A port to which the process under test may connect.
  std::uint16_t serve(SimAcceptor& acceptor);
  void observe(EndpointId id, SocketObserver* observer, std::uint64_t tag);
  bool is_established(EndpointId id) const { return end(id).is_established; }
  bool is_reset(EndpointId id) const { return end(id).is_reset; }
  ResetCause reset_cause(EndpointId id) const { return ends_[id & ~1u]->cause; }
  // 0, or an errno that is told once (ECONNREFUSED, ECONNRESET).
  int take_error(EndpointId id);

  std::size_t readable_bytes(EndpointId id) const { return in(id).received; }
  // No byte will come behind the readable ones.
  bool is_ended(EndpointId id) const {
    return in(id).fin == Fin::received || end(id).is_shut_receive || end(id).is_reset;
  }
  bool has_news(EndpointId id) const {
    return in(id).received != 0 || is_ended(id) || end(id).error != 0;
  }
  // Takes min(bytes, readable) bytes into `target`; returns how many.
  std::size_t read(EndpointId id, char* target, std::size_t bytes);
  std::size_t discard(EndpointId id, std::size_t bytes);

  bool can_write(EndpointId id) const {
    return end(id).is_established && !end(id).is_shut_send && !end(id).is_reset;
  }
  std::size_t writable_bytes(EndpointId id) const;
  // Requires: can_write, bytes fit.
  void write(EndpointId id, std::string_view bytes);
  // What this end has written and read in all.
  std::uint64_t written_bytes(EndpointId id) const { return end(id).out.written; }
  std::uint64_t read_bytes(EndpointId id) const { return in(id).read; }

  // How much of what this end wrote has not arrived, and still may.
  std::size_t undelivered_bytes(EndpointId id) const {
    const End& writer = end(id);
    return writer.is_reset ? 0 : writer.out.size() - writer.out.received;
  }

  void shutdown(EndpointId id, engine::Shutdown how);
  // As close(2): an orderly end, or a reset if bytes were not read.
  void close(EndpointId id);
  void reset(EndpointId id);

  // Bytes on their way, in both directions of all connections.
  std::size_t bytes_under_way() const;
  // The faults have ended: buffers are large again, and what was stuck goes on.
  void heal();

  void on_event(std::uint32_t what, std::uint64_t argument) override;

 private:
  enum class What : std::uint32_t { syn, established, segment, fin, reset };
  enum class Fin : std::uint8_t {
    none,
    queued,    // behind the bytes that are still unsent
    sent,      // under way
    received,  // the reader has seen the end
  };

  // One direction. Its bytes lie in one queue: received ones (unread) first, then those under way,
  // then unsent ones.
  struct Pipe {
    std::string bytes;
    std::size_t head = 0;  // of the first unread byte
    std::size_t received = 0;
    std::size_t in_flight = 0;
    std::size_t send_capacity = 0;
    std::size_t receive_capacity = 0;
    std::uint64_t written = 0;  // in all
    std::uint64_t read = 0;     // in all
    engine::Nanos last_arrival = 0;
    std::uint8_t epoch = 0;  // moves on when what is under way is lost
    bool is_cut = false;     // nothing more gets through; the reset is on its way
    Fin fin = Fin::none;

    std::size_t size() const { return bytes.size() - head; }
    std::size_t unsent() const { return size() - received - in_flight; }
    void consume(std::size_t count);
    void drop_unsent() { bytes.resize(head + received + in_flight); }
    void drop_undelivered() {
      bytes.resize(head + received);
      in_flight = 0;
      ++epoch;
    }
  };

  struct End {
    Pipe out;  // what this end writes
    SocketObserver* observer = nullptr;
    std::uint64_t tag = 0;
    int error = 0;  // told once
    bool is_established = false;
    bool is_shut_receive = false;
    bool is_shut_send = false;
    bool is_reset = false;                // the connection is no more
    bool is_closed = false;               // nobody holds this end
    ResetCause cause = ResetCause::none;  // of the connection, at its connecting end
  };

  struct Socket {
    enum class Kind : std::uint8_t { free, fresh, listener, stream };
    Kind kind = Kind::free;
    std::uint16_t port = 0;
    EndpointId endpoint = no_endpoint;
    std::deque<EndpointId> pending;  // listener: the accept queue
    SocketObserver* observer = nullptr;
  };

  const Socket& at(engine::Fd fd) const;
  Socket& at(engine::Fd fd) { return const_cast<Socket&>(std::as_const(*this).at(fd)); }
  End& end(EndpointId id) { return *ends_[id]; }
  const End& end(EndpointId id) const { return *ends_[id]; }
  Pipe& in(EndpointId id) { return ends_[id ^ 1]->out; }
  const Pipe& in(EndpointId id) const { return ends_[id ^ 1]->out; }

  engine::Fd take_fd(Socket::Kind kind);
  void free_fd(engine::Fd fd);
  EndpointId make_connection();
  engine::Fd listener_at(std::uint16_t port) const;
  SimAcceptor* acceptor_at(std::uint16_t port) const;

  void schedule(engine::Nanos time, What what, EndpointId id, std::uint64_t bytes = 0);
  engine::Nanos draw_arrival(Pipe& pipe);
  void transmit(EndpointId id);
  void break_connection(EndpointId id);
  void note_cause(EndpointId id, ResetCause cause);
  void readable(EndpointId id);
  void writable(EndpointId id);

  void on_syn(EndpointId id, std::uint16_t port);
  void on_syn_outside(EndpointId id, std::uint16_t port, SimAcceptor& acceptor);
  void refuse(EndpointId id);
  void on_established(EndpointId id);
  void on_segment(EndpointId id, std::size_t bytes);
  void on_fin(EndpointId id);
  void on_reset(EndpointId id);

  SimContext& context_;
  std::vector<Socket> sockets_;
  std::size_t open_count_ = 0;
  std::uint16_t next_port_ = 1;
  std::vector<std::pair<std::uint16_t, SimAcceptor*>> acceptors_;
  std::vector<std::unique_ptr<End>> ends_;  // two per connection, never reused
};

}  // namespace ringpost::sim
