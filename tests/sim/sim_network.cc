#include "tests/sim/sim_network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ringpost::sim {

using engine::Fd;
using engine::Nanos;
using engine::no_fd;
using engine::Shutdown;
using engine::SocketAddress;

namespace {

constexpr Nanos syn_retry = engine::nanos_per_s;
constexpr std::size_t healthy_buffer_bytes = 65536;

// The argument of a network event: endpoint, epoch of its pipe, bytes.
std::uint64_t pack(EndpointId id, std::uint8_t epoch, std::uint64_t bytes) {
  return (std::uint64_t{id} << 40) | (std::uint64_t{epoch} << 32) | bytes;
}

}  // namespace

void SimNetwork::Pipe::consume(std::size_t count) {
  head += count;
  received -= count;
  read += count;
  if (head < 4096 || head < bytes.size() / 2) return;
  bytes.erase(0, head);
  head = 0;
}

// --- sockets

const SimNetwork::Socket& SimNetwork::at(Fd fd) const {
  const auto index = static_cast<std::size_t>(fd - first_fd);
  SIM_CHECK(fd >= first_fd && index < sockets_.size(), "descriptor %d never was one", fd);
  SIM_CHECK(sockets_[index].kind != Socket::Kind::free, "descriptor %d is closed", fd);
  return sockets_[index];
}

bool SimNetwork::is_open(Fd fd) const {
  const auto index = static_cast<std::size_t>(fd - first_fd);
  return fd >= first_fd && index < sockets_.size() && sockets_[index].kind != Socket::Kind::free;
}

bool SimNetwork::is_listener(Fd fd) const { return at(fd).kind == Socket::Kind::listener; }

Fd SimNetwork::take_fd(Socket::Kind kind) {
  std::size_t index = 0;
  while (index < sockets_.size() && sockets_[index].kind != Socket::Kind::free) ++index;
  if (index == sockets_.size()) sockets_.emplace_back();
  sockets_[index] = {};
  sockets_[index].kind = kind;
  ++open_count_;
  return first_fd + static_cast<Fd>(index);
}

void SimNetwork::free_fd(Fd fd) {
  at(fd) = {};
  --open_count_;
}

Fd SimNetwork::listen() {
  const Fd fd = take_fd(Socket::Kind::listener);
  at(fd).port = next_port_++;
  return fd;
}

Fd SimNetwork::open_stream() { return take_fd(Socket::Kind::fresh); }

SocketAddress SimNetwork::address(std::uint16_t port) {
  SocketAddress address;
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memcpy(&address.storage, &in, sizeof in);
  address.length = sizeof in;
  return address;
}

std::uint16_t SimNetwork::port_of(Fd listener) const {
  SIM_CHECK(is_listener(listener), "descriptor %d does not listen", listener);
  return at(listener).port;
}

void SimNetwork::observe(Fd fd, SocketObserver* observer) {
  Socket& socket = at(fd);
  SIM_CHECK(socket.observer == nullptr || observer == nullptr || socket.observer == observer,
            "two shards work on descriptor %d", fd);
  socket.observer = observer;
  if (socket.endpoint == no_endpoint) return;
  end(socket.endpoint).observer = observer;
  end(socket.endpoint).tag = static_cast<std::uint64_t>(fd);
}

Fd SimNetwork::accept(Fd listener) {
  const EndpointId id = at(listener).pending.front();
  at(listener).pending.pop_front();
  const Fd fd = take_fd(Socket::Kind::stream);
  at(fd).endpoint = id;
  return fd;
}

void SimNetwork::abort_pending(Fd listener) {
  const EndpointId id = at(listener).pending.front();
  at(listener).pending.pop_front();
  note_cause(id, ResetCause::path);
  reset(id);
}

void SimNetwork::connect(Fd fd, const SocketAddress& address) {
  Socket& socket = at(fd);
  SIM_CHECK(socket.kind == Socket::Kind::fresh, "descriptor %d is connected twice", fd);
  sockaddr_in in;
  std::memcpy(&in, &address.storage, sizeof in);
  socket.kind = Socket::Kind::stream;
  socket.endpoint = connect_to(ntohs(in.sin_port), socket.observer, static_cast<std::uint64_t>(fd));
}

void SimNetwork::shutdown(Fd fd, Shutdown how) {
  const Socket& socket = at(fd);
  if (socket.endpoint != no_endpoint) shutdown(socket.endpoint, how);
}

void SimNetwork::close(Fd fd) {
  const Socket& socket = at(fd);
  for (const EndpointId id : socket.pending) reset(id);
  if (socket.endpoint != no_endpoint) close(socket.endpoint);
  free_fd(fd);
}

void SimNetwork::reset(Fd fd) {
  const EndpointId id = at(fd).endpoint;
  if (id != no_endpoint) reset(id);
  free_fd(fd);
}

// --- connections

EndpointId SimNetwork::make_connection() {
  const auto id = static_cast<EndpointId>(ends_.size());
  for (int side = 0; side < 2; ++side) {
    ends_.push_back(std::make_unique<End>());
    ends_.back()->out.send_capacity = context_.faults.send_buffer_bytes;
    ends_.back()->out.receive_capacity = context_.faults.receive_buffer_bytes;
  }
  return id;
}

EndpointId SimNetwork::connect_to(std::uint16_t port, SocketObserver* observer, std::uint64_t tag) {
  const EndpointId id = make_connection();
  end(id).observer = observer;
  end(id).tag = tag;
  schedule(context_.clock.now() + context_.draw_nanos(context_.faults.latency_us_max), What::syn,
           id, port);
  return id;
}

std::uint16_t SimNetwork::serve(SimAcceptor& acceptor) {
  acceptors_.emplace_back(next_port_, &acceptor);
  return next_port_++;
}

void SimNetwork::observe(EndpointId id, SocketObserver* observer, std::uint64_t tag) {
  end(id).observer = observer;
  end(id).tag = tag;
}

SimAcceptor* SimNetwork::acceptor_at(std::uint16_t port) const {
  for (const auto& [at, acceptor] : acceptors_) {
    if (at == port) return acceptor;
  }
  return nullptr;
}

Fd SimNetwork::listener_at(std::uint16_t port) const {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i].kind == Socket::Kind::listener && sockets_[i].port == port) {
      return first_fd + static_cast<Fd>(i);
    }
  }
  return no_fd;
}

int SimNetwork::take_error(EndpointId id) { return std::exchange(end(id).error, 0); }

std::size_t SimNetwork::discard(EndpointId id, std::size_t bytes) {
  Pipe& pipe = in(id);
  const std::size_t count = std::min(bytes, pipe.received);
  pipe.consume(count);
  transmit(id ^ 1);  // the window opened
  return count;
}

std::size_t SimNetwork::read(EndpointId id, char* target, std::size_t bytes) {
  Pipe& pipe = in(id);
  const std::size_t count = std::min(bytes, pipe.received);
  std::memcpy(target, pipe.bytes.data() + pipe.head, count);
  return discard(id, count);
}

std::size_t SimNetwork::writable_bytes(EndpointId id) const {
  const Pipe& pipe = end(id).out;
  const std::size_t held = pipe.in_flight + pipe.unsent();
  return held >= pipe.send_capacity ? 0 : pipe.send_capacity - held;
}

void SimNetwork::write(EndpointId id, std::string_view bytes) {
  SIM_CHECK(can_write(id) && bytes.size() <= writable_bytes(id), "a write that does not fit");
  end(id).out.bytes.append(bytes);
  end(id).out.written += bytes.size();
  transmit(id);
}

void SimNetwork::shutdown(EndpointId id, Shutdown how) {
  End& self = end(id);
  if (self.is_reset) return;
  if (how != Shutdown::receive && !self.is_shut_send) {
    self.is_shut_send = true;
    self.out.fin = Fin::queued;
    transmit(id);
    writable(id);
  }
  if (how != Shutdown::send && !self.is_shut_receive) {
    self.is_shut_receive = true;
    readable(id);
  }
}

void SimNetwork::close(EndpointId id) {
  End& self = end(id);
  SIM_CHECK(!self.is_closed, "an endpoint is closed twice");
  self.observer = nullptr;
  if (in(id).received != 0) {
    reset(id);
  } else {
    shutdown(id, Shutdown::both);
  }
  self.is_closed = true;
}

void SimNetwork::reset(EndpointId id) {
  End& self = end(id);
  self.is_closed = true;
  self.observer = nullptr;
  if (self.is_reset) return;
  note_cause(id, (id & 1) == 0 ? ResetCause::connecting_end : ResetCause::accepting_end);
  self.is_reset = true;
  self.out.drop_unsent();
  Nanos arrival = context_.clock.now() + context_.draw_nanos(context_.faults.latency_us_max);
  if (context_.prng.one_in(context_.faults.reset_overtakes_one_in)) {
    self.out.drop_undelivered();
  } else {
    arrival = std::max(arrival, self.out.last_arrival);
  }
  in(id).drop_undelivered();
  context_.trace.note("reset", id, static_cast<std::uint64_t>(arrival));
  schedule(arrival, What::reset, id ^ 1);
}

// --- time

void SimNetwork::schedule(Nanos time, What what, EndpointId id, std::uint64_t bytes) {
  context_.schedule.at(time, *this, static_cast<std::uint32_t>(what),
                       pack(id, ends_[id]->out.epoch, bytes));
}

Nanos SimNetwork::draw_arrival(Pipe& pipe) {
  const SimFaults& faults = context_.faults;
  Nanos time = context_.clock.now() + context_.draw_nanos(faults.latency_us_max);
  if (context_.prng.one_in(faults.stall_one_in)) {
    time += context_.draw_nanos(faults.stall_ms_max * 1000);
  }
  pipe.last_arrival = std::max(time, pipe.last_arrival);
  return pipe.last_arrival;
}

// Sends as much as the reader's window takes, and the end behind it.
void SimNetwork::transmit(EndpointId id) {
  End& self = end(id);
  if (self.is_reset || !self.is_established) return;
  Pipe& pipe = self.out;
  if (pipe.is_cut) return;
  while (pipe.unsent() != 0 && pipe.received + pipe.in_flight < pipe.receive_capacity) {
    const std::size_t window = pipe.receive_capacity - pipe.received - pipe.in_flight;
    const std::size_t bytes =
        std::min({window, pipe.unsent(), context_.draw_size(context_.faults.cut_bytes_max)});
    pipe.in_flight += bytes;
    if (context_.prng.one_in(context_.faults.break_one_in)) {
      break_connection(id);
      return;
    }
    schedule(draw_arrival(pipe), What::segment, id, bytes);
  }
  if (pipe.fin == Fin::queued && pipe.unsent() == 0) {
    pipe.fin = Fin::sent;
    schedule(draw_arrival(pipe), What::fin, id);
  }
}

// The first counts.
void SimNetwork::note_cause(EndpointId id, ResetCause cause) {
  ResetCause& noted = end(id & ~1u).cause;
  if (noted == ResetCause::none) noted = cause;
}

// Something on the path resets both ends. Until they hear of it, what they send is lost: an end of
// stream above all, which would come without the bytes in front of it.
void SimNetwork::break_connection(EndpointId id) {
  context_.trace.note("break", id);
  note_cause(id, ResetCause::path);
  for (const EndpointId side : {id, id ^ 1}) {
    end(side).out.is_cut = true;
    schedule(context_.clock.now() + context_.draw_nanos(context_.faults.latency_us_max),
             What::reset, side);
  }
}

void SimNetwork::readable(EndpointId id) {
  if (end(id).observer != nullptr) end(id).observer->on_readable(end(id).tag);
}
void SimNetwork::writable(EndpointId id) {
  if (end(id).observer != nullptr) end(id).observer->on_writable(end(id).tag);
}

void SimNetwork::on_event(std::uint32_t what, std::uint64_t argument) {
  const auto id = static_cast<EndpointId>(argument >> 40);
  const auto epoch = static_cast<std::uint8_t>(argument >> 32);
  const auto bytes = static_cast<std::uint32_t>(argument);
  switch (static_cast<What>(what)) {
    case What::syn:
      return on_syn(id, static_cast<std::uint16_t>(bytes));
    case What::established:
      return on_established(id);
    case What::segment:
      if (epoch == end(id).out.epoch) on_segment(id, bytes);
      return;
    case What::fin:
      if (epoch == end(id).out.epoch) on_fin(id);
      return;
    case What::reset:
      return on_reset(id);
  }
}

void SimNetwork::on_syn(EndpointId id, std::uint16_t port) {
  if (end(id).is_closed) return;
  if (SimAcceptor* acceptor = acceptor_at(port)) return on_syn_outside(id, port, *acceptor);
  const Fd listener = listener_at(port);
  context_.trace.note("syn", id, static_cast<std::uint64_t>(listener));
  if (listener == no_fd) return refuse(id);
  Socket& socket = at(listener);
  if (socket.pending.size() >= context_.faults.backlog) {
    schedule(context_.clock.now() + syn_retry, What::syn, id, port);
    return;
  }
  const EndpointId accepted = id ^ 1;
  end(accepted).is_established = true;
  socket.pending.push_back(accepted);
  if (socket.observer != nullptr) {
    socket.observer->on_readable(static_cast<std::uint64_t>(listener));
  }
  schedule(draw_arrival(end(accepted).out), What::established, id);
}

void SimNetwork::on_syn_outside(EndpointId id, std::uint16_t port, SimAcceptor& acceptor) {
  const SimAcceptor::Answer answer = acceptor.on_syn();
  context_.trace.note("syn outside", id, static_cast<std::uint64_t>(answer));
  switch (answer) {
    case SimAcceptor::Answer::refuses:
      return refuse(id);
    case SimAcceptor::Answer::silent:
      return schedule(context_.clock.now() + syn_retry, What::syn, id, port);
    case SimAcceptor::Answer::accepts:
      end(id ^ 1).is_established = true;
      schedule(draw_arrival(end(id ^ 1).out), What::established, id);
      return acceptor.on_connection(id ^ 1);
  }
}

void SimNetwork::refuse(EndpointId id) {
  end(id).error = ECONNREFUSED;
  end(id).is_reset = true;
  writable(id);
}

void SimNetwork::on_established(EndpointId id) {
  End& self = end(id);
  if (self.is_reset) return;
  self.is_established = true;
  transmit(id);
  writable(id);
}

void SimNetwork::on_segment(EndpointId id, std::size_t bytes) {
  const EndpointId reader = id ^ 1;
  Pipe& pipe = end(id).out;
  context_.trace.note("segment", id, bytes);
  if (end(reader).is_closed || end(reader).is_reset) {  // nobody is there to read
    pipe.drop_undelivered();
    if (end(reader).is_closed) reset(reader);
    return;
  }
  pipe.in_flight -= bytes;
  pipe.received += bytes;
  readable(reader);
  if (!end(id).is_closed) writable(id);
}

void SimNetwork::on_fin(EndpointId id) {
  if (end(id ^ 1).is_reset) return;
  context_.trace.note("fin", id);
  end(id).out.fin = Fin::received;
  readable(id ^ 1);
}

void SimNetwork::on_reset(EndpointId id) {
  End& self = end(id);
  context_.trace.note("reset arrives", id);
  if (self.is_reset) return;
  self.is_reset = true;
  self.error = ECONNRESET;
  self.out.drop_undelivered();
  in(id).drop_undelivered();
  readable(id);
  writable(id);
}

std::size_t SimNetwork::bytes_under_way() const {
  std::size_t bytes = 0;
  for (const auto& end : ends_) {
    if (!end->is_reset) bytes += end->out.in_flight + end->out.unsent();
  }
  return bytes;
}

void SimNetwork::heal() {
  for (EndpointId id = 0; id < ends_.size(); ++id) {
    Pipe& pipe = end(id).out;
    pipe.send_capacity = std::max(pipe.send_capacity, healthy_buffer_bytes);
    pipe.receive_capacity = std::max(pipe.receive_capacity, healthy_buffer_bytes);
    transmit(id);
    if (!end(id).is_closed) writable(id);
  }
}

}  // namespace ringpost::sim
