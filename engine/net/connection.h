#pragma once

// Connection: the bytes of one socket in both directions, between the Io and a Session. It owns the
// life of the socket: operations in flight, the tail of half-received input, the outbox, and the
// order of the goodbye.
//
// Receiving: one multishot receive while open. The session parses in place in the kernel's buffer;
// only what it leaves is copied into `held_`. While parsing is paused, arriving bytes are held too,
// and at the end of the turn the receive is cancelled; it is started again when everything held was
// parsed. A session that passes bytes on receives block by block instead (Link::receive_blocks):
// the next one is received when the last has been dealt with, so nothing has to be taken back.
//
// Sending: at most one send in flight; what was written during a turn leaves in one send at its
// end.
//
// Closing: close_after_flush → flushing → (FIN) lingering → closing → free; reset_after_flush →
// flushing → delivering → closing → (reset) free; abort → closing → free.
// In `closing` the socket is shut down, what is still in flight is cancelled, and only when the
// last completion has come are the socket closed and the memory released, and the slot's generation
// moves on.
//
// Implemented in connection.cc (its life), connection_input.cc and connection_output.cc.
//
// Owned by: Connections of one shard. Called on: its shard only.

#include <cstdint>

#include "engine/base/buffer_pool.h"
#include "engine/base/timer_wheel.h"
#include "engine/io/io.h"
#include "engine/net/session.h"

namespace ringpost::engine {

class Connections;

class Connection final : public Link, public TimerTarget {
 public:
  Connection(Connections& all, std::uint32_t slot);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Link.
  void resume() override;
  void set_timer(Nanos deadline) override;
  void cancel_timer() override;
  void close_after_flush(CloseReason reason) override;
  void shutdown_write() override;
  void reset_after_flush(CloseReason reason) override;
  void abort(CloseReason reason) override;
  TakenBlock take() override;
  void become(Session& next, Service& owner) override;

 private:
  friend class Connections;

  enum class Origin : std::uint8_t { accepted, dialed };
  enum class State : std::uint8_t {
    free,       // no socket; the slot waits for one
    open,       // the session talks
    flushing,   // the session said goodbye; its output still leaves, input is discarded
    lingering,  // our FIN is sent; input is discarded until the peer's FIN, a time-out or an amount
    delivering,  // to be reset once the peer has got all output, or takes no more; nothing is read
    closing,     // shut down both ways; waiting for the last completion
  };
  enum class ReceiveState : std::uint8_t {
    idle,        // no receive in flight
    armed,       // a receive runs
    cancelling,  // taken back, its final completion not yet here
    starved,     // ended with -ENOBUFS; in the starved list until buffers came back
    ended,       // the peer's FIN or an error came: there will be no more input
  };

  // Blocks that are received into are whole blocks of the pool's classes; the first of them.
  static constexpr std::uint32_t block_header_bytes = sizeof(Block);
  static constexpr std::uint32_t block_bytes_first = 2048 - block_header_bytes;

  void list_touched() override;
  std::optional<KeptBytes> try_keep_many(Bytes bytes) override;

  // Life.
  void open(Fd socket, Service& service, Origin origin);
  void drain();
  void close_begin();   // from the aborted list
  void close_finish();  // nothing in flight any more
  void say_farewell(CloseReason reason);
  void begin(Session& session, Service& service);
  bool hand_over();  // to the session that this one becomes, if it does
  std::uint32_t in_flight() const;
  OpToken token(OpKind kind) const { return OpToken::make(kind, slot_, generation_); }

  // Input.
  OpKind receive_kind() const {
    return block_bytes_max_ == 0 ? OpKind::receive : OpKind::receive_once;
  }
  void cancel_receive();
  void on_receive(const Completion& completion);
  void on_block(std::int32_t result);
  void adapt_block(std::size_t received);
  void on_input(Bytes data);
  void on_receive_final(std::int32_t result);
  void start_receive(bool when_readable);
  void end_starvation();
  void discard(std::size_t bytes);
  void parse(Bytes data);
  void parse_joined(Bytes data);
  void parse_held();
  void input_settled();
  std::size_t offer(Bytes bytes);
  void drop_held();
  void hold(Bytes data);
  void held_consume(std::size_t bytes);
  Bytes held() const;
  void stall();
  void stall_ended();
  bool paused_by_itself() const { return pauses_ != 0 || outbox_.bytes() >= output_high_; }
  void list_ready();
  void end_of_input();

  // Output.
  void on_sent(std::int32_t result);
  void flush();
  void check_pending();
  void drop_output();
  void output_broken(int error);
  void finish_flush();
  void check_delivery();
  void lose_peer(int error);

  void on_time() override;

  Connections& all_;
  Session* session_ = nullptr;
  Service* service_ = nullptr;
  Session* next_session_ = nullptr;  // what it becomes when the call to the session returns
  Service* next_service_ = nullptr;
  SendRequest* send_ = nullptr;  // the send in flight
  Block* held_block_ = nullptr;  // input that the session has not dealt with
  Block* block_ = nullptr;       // what a receive in flight fills
  std::uint32_t held_begin_ = 0;
  std::uint32_t held_end_ = 0;
  std::uint64_t output_low_ = 0;
  std::uint64_t undelivered_ = 0;  // delivering: what the peer has not got, at the last look
  Nanos delivery_end_ = 0;         // delivering: when to give up
  TimerNode timer_;
  Fd socket_ = no_fd;
  std::uint32_t slot_;
  std::uint32_t generation_ = 1;          // of the operations on the socket
  std::uint32_t session_generation_ = 0;  // of the session, for messages to it
  std::uint32_t linger_bytes_ = 0;        // discarded since the goodbye
  std::uint32_t block_bytes_ = 0;         // of the next receive into a block
  State state_ = State::free;
  ReceiveState receive_state_ = ReceiveState::idle;
  CloseReason reason_ = CloseReason::none;
  CloseReason loss_ = CloseReason::none;  // why the peer is gone, once it is
  Origin origin_ = Origin::accepted;
  // The lists of Connections are gone through once a turn, so these may outlive the socket.
  bool stalled_ = false;        // holds input that may not be parsed
  bool stall_listed_ = false;   // in the stalled list, perhaps no longer stalled
  bool held_back_ = false;      // in the held-back list, perhaps no longer stalled
  bool aborted_ = false;        // in the aborted list
  bool ready_ = false;          // in the ready list: parse what is held
  bool end_delivered_ = false;  // on_end was called
  bool parsing_ = false;        // inside the session's on_bytes
  bool drain_pending_ = false;  // say on_drain once what is held was parsed
  bool shutdown_seen_ = false;  // closing: a turn has passed since the shutdown
  bool cancel_sent_ = false;    // closing: operations were cancelled
  bool end_wanted_ = false;     // open: FIN behind the output
  bool reset_wanted_ = false;   // ends by a reset
};

}  // namespace ringpost::engine
