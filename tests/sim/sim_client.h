#pragma once

// SimClient: the test's end of a connection, that connects or was connected to. It writes what it
// is told to in pieces, reads at its own pace or not at all, closes half or wholly, or resets, at
// steps drawn from the seed. What it says and what it makes of the answers is up to the class
// derived from it.

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/sim/sim_world.h"

namespace ringpost::sim {

// How a client behaves; see draw.
struct SimPace {
  std::uint64_t think_us_max = 50;       // between two steps
  std::uint64_t write_bytes_max = 4096;  // in one step
  std::uint64_t read_bytes_max = 65536;  // in one step; 0: never reads

  static SimPace draw(engine::Prng& prng);
};

class SimClient : public SocketObserver, public SimTarget {
 public:
  SimClient(SimWorld& world, std::uint32_t number);
  virtual ~SimClient() = default;
  SimClient(const SimClient&) = delete;
  SimClient& operator=(const SimClient&) = delete;

  void connect(std::uint16_t port);
  // Takes a connection that was made to the test.
  void adopt(EndpointId endpoint);
  // Behind everything said before.
  void send(std::string_view bytes);
  // FIN, once everything was sent.
  void half_close();
  // At once.
  void reset();
  void close();
  void set_pace(const SimPace& pace);

  std::uint32_t number() const { return number_; }
  // no_endpoint before `connect` or `adopt`.
  EndpointId endpoint() const { return endpoint_; }
  bool is_idle() const { return state_ == State::idle; }
  bool is_connected() const { return state_ == State::open; }
  bool is_over() const { return state_ == State::over; }
  std::size_t unsent_bytes() const { return outgoing_.size() - sent_; }
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  // Who reset the connection, if it was reset.
  ResetCause reset_cause() const;
  // The clients of a healthy world are in no hurry, but live.
  bool is_reading() const { return pace_.read_bytes_max != 0; }
  // Its FIN is behind all that it sent.
  bool is_half_closed() const { return is_half_closed_; }
  bool has_seen_end() const { return has_seen_end_; }

 protected:
  // The moves of the client. Called from its steps.
  virtual void on_connected() {}
  virtual void on_data(std::string_view bytes) = 0;
  // The peer's FIN came behind the last byte. The connection stays until it is closed from here.
  virtual void on_end() = 0;
  // Refused, or reset by the peer or the network.
  virtual void on_broken(int error) = 0;
  // What next? Called at each step; true: again, even if the network brings nothing.
  virtual bool on_step() { return false; }

  SimWorld& world() { return world_; }
  // Makes a step come soon.
  void hurry() { schedule_step(pace_.think_us_max); }

 private:
  enum class State : std::uint8_t {
    idle,        // no connection yet
    connecting,  // the outcome is not known
    open,        // at least one direction is
    over,        // closed, reset, refused
  };

  void on_readable(std::uint64_t) override { hurry(); }
  void on_writable(std::uint64_t) override { hurry(); }
  void on_event(std::uint32_t what, std::uint64_t argument) override;
  void schedule_step(std::uint64_t delay_us_max);
  void step();
  void finish_connecting();
  void read_some();
  void write_some();
  void fail();

  SimWorld& world_;
  SimNetwork& network_;
  const std::uint32_t number_;
  EndpointId endpoint_ = no_endpoint;
  State state_ = State::idle;
  SimPace pace_;
  std::string outgoing_;
  std::size_t sent_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::string incoming_;  // scratch
  bool is_scheduled_ = false;
  bool wants_half_close_ = false;
  bool is_half_closed_ = false;
  bool has_seen_end_ = false;
};

}  // namespace ringpost::sim
