#pragma once

// Connections: all connections of one shard, and what they share: the Io, the pools, the lists of
// those that have something to do at the end of the turn. The shard's loop feeds it completions and
// calls its steps by name; see Shard::turn.
//
// Owned by: one shard. Called on: owner only.

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "engine/base/buffer_pool.h"
#include "engine/base/fifo.h"
#include "engine/base/kernel_owned.h"
#include "engine/base/payload.h"
#include "engine/base/timer_wheel.h"
#include "engine/io/io.h"
#include "engine/net/connection.h"
#include "engine/net/connection_observer.h"
#include "engine/net/counters.h"
#include "engine/net/fan_out_log.h"

namespace ringpost::engine {

struct ConnectionLimits {
  std::uint64_t output_high_bytes =
      256 * 1024;                              // parse no more requests of a connection above this
  std::uint64_t output_low_bytes = 64 * 1024;  // until its output is down to this
  Nanos linger_nanos = 5 * nanos_per_s;        // without progress after the goodbye, then close
  std::uint32_t linger_bytes_max = 1 << 20;    // input discarded after the goodbye, then close
  std::uint32_t send_bytes_max =
      17 * (64 << 10);                  // of one send, so that one peer does not take the turn
  std::uint32_t kept_bytes_min = 8192;  // fewer received bytes are copied, which costs no more
  // Stalled connections taken up again at a time; starved ones in one turn.
  std::uint32_t feed_ready_max = 256;
};

class Connections {
 public:
  struct Parts {
    Io& io;
    Post& post;
    TimerWheel& timers;
    BufferPool& buffers;
    PayloadPool& payloads;
    Counters& counters;
    const Nanos& now;
  };

  Connections(const Parts& parts, const ConnectionLimits& limits);
  ~Connections();  // Requires: none open.
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Serves a connected socket, which it owns from here on.
  void adopt(Fd socket, Service& service);
  // The same for one that this shard connected: nobody who hands sockets out counts it.
  void adopt_dialed(Fd socket, Service& service);

  // A completion of a receive or a send. Stale ones are dropped, their buffer given back.
  void on_completion(const Completion& completion);
  // Messages for one session; stale ones are disposed of by the caller when this says false.
  bool deliver(ActorRef to, std::span<const Message> run);

  // The steps at the end of a turn.
  bool feed_ready();      // parses what was held and may go on; true if anything was there
  void flush();           // one send per touched connection; judges slow consumers
  void settle_stalled();  // takes receives of those that stalled back, starved ones up again
  void close_aborted();   // tears down what was aborted in this turn
  // Work that waits without any completion to come: the shard must not sleep.
  bool work_left() const;

  // Stops input everywhere and lets each session say goodbye; new sockets are closed at once.
  void drain();
  // Every session has had its last input. Requires: drain was called.
  bool drained() const;
  // Lets every session that is still open say its last words, flushes and closes it.
  void close_all(CloseReason reason);
  // Ends every connection without flushing.
  void abort_all(CloseReason reason);

  // Null: nobody. Outlives the connections. Requires: none is open.
  void set_observer(ConnectionObserver* observer) { observer_ = observer; }

  std::uint32_t open_count() const { return open_count_; }
  // Connections whose input waits for room in a queue of the shard; each is listed once.
  std::size_t held_back_count() const { return held_back_.size(); }
  // Connections ended since the last call.
  std::uint32_t take_closed_count();
  FanOutTurn& fan_out() { return fan_out_; }
  // A log took its share of this turn: flush before taking more in.
  bool input_ended() const { return fan_out_.end_input; }
  std::uint64_t log_appended_bytes() const { return fan_out_.appended_bytes; }
  const ConnectionLimits& limits() const { return limits_; }

 private:
  friend class Connection;

  Connection* find(OpToken token);
  Connection& take_slot();
  void feed(Connection& connection);
  SendRequest* take_request();
  void give_back(SendRequest* request);

  Io& io_;
  Post& post_;
  TimerWheel& timers_;
  BufferPool& buffers_;
  PayloadPool& payloads_;
  Counters& counters_;
  const Nanos& now_;
  ConnectionLimits limits_;
  FanOutTurn fan_out_;
  ConnectionObserver* observer_ = nullptr;

  std::vector<Connection*> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<Connection*> touched_;  // flush at the end of the turn
  Fifo<Connection*> ready_;           // hold input that may be parsed
  std::vector<Connection*> stalled_;  // stalled in this turn
  // Hold input that may be parsed when no queue of the shard is full, in the order in which they
  // stalled: nobody is passed over while others go on.
  Fifo<Connection*> held_back_;
  Fifo<Connection*> starved_;         // wait for receive buffers
  std::vector<Connection*> aborted_;  // to be torn down
  std::vector<Connection*> closing_;  // shut down, in flight
  std::vector<Connection*> swap_;     // scratch of close_aborted
  std::vector<std::unique_ptr<SendRequest>> requests_;
  std::vector<SendRequest*> free_requests_;
  std::deque<Connection> memory_;         // never moves them
  const Completion* received_ = nullptr;  // what a session is given in place, until it keeps it
  std::uint32_t open_count_ = 0;
  std::uint32_t closed_count_ = 0;
  bool draining_ = false;
};

}  // namespace ringpost::engine
