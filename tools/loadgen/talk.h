#pragma once

// Talk: one protocol as its client speaks it on one connection. A new protocol is one class with
// three parts: the connect talk, the next request, and how replies are recognised. When requests
// are due, what they waited and what to do about faults is the generator's business.
//
// A Talk deals in requests of its connection, counted from 0, in runs and not one by one: the calls
// below are per receive or per turn, however many requests and replies these carry.
//
//   one reply each    on_replies(n): the next n requests of this connection are answered, in order
//   no reply          on_replies of the next request that has one covers those in front of it
//   fan-out           on_deliveries: messages of a sender arrived here; whose and which, so that
//                     the generator finds when they were due
//   subscriptions     the same, on connections that never send a request (Plan::speakers)
//   fan-out with      on_acknowledged as well: a message is in flight until all have it and the
//   acknowledgements  server has said so to its sender
//
// Owned by: one Client. Called on: its shard.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/bytes.h"
#include "engine/net/session.h"

namespace ringpost::loadgen {

using engine::Bytes;

// What can be wrong with what the server says.
enum class FaultKind : std::uint8_t {
  corrupt,       // bytes differ
  lost,          // a reply never came, though later ones did
  duplicate,     // a reply came again
  out_of_order,  // a reply came behind one that was asked for later
  unexpected,    // bytes that answer nothing
};
inline constexpr std::size_t fault_kinds = 5;
std::string_view to_text(FaultKind kind);

struct Fault {
  FaultKind kind;
  std::uint64_t sequence;  // which reply of its connection (of its sender, with fan-out), from 0
  std::string text;        // for people: expected what, got what
};

// Who hears of it: the generator's Client.
class TalkTarget {
 public:
  // The connect talk is done; requests may be written. Once, perhaps within Talk::open.
  virtual void on_ready() = 0;
  // The next `count` requests in order were answered, and rightly.
  virtual void on_replies(std::uint64_t count) = 0;
  // The next `count` requests in order will have no right answer. The faults say why.
  virtual void on_failed(std::uint64_t count) = 0;
  virtual void on_fault(Fault fault) = 0;
  // Fan-out: the `count` messages of a sender from `sequence` on arrived, or never will. A sender
  // is named by its connection's number, its messages are counted from 0.
  virtual void on_deliveries(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count) = 0;
  virtual void on_missed(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count) = 0;
  // Fan-out, if Protocol::acknowledges: the server says of the next `count` messages of this
  // connection that it took them.
  virtual void on_acknowledged(std::uint64_t count) = 0;
  // So many replies, whether right or not, had that HTTP status; before what is told of these.
  virtual void on_statuses(std::uint16_t status, std::uint64_t count) = 0;
  // The server takes no more requests on this connection, as it may: what has no answer is to be
  // asked on a new one. The talk reads no more.
  virtual void on_retired() = 0;
  // The server will not go on, and said why. The talk reads no more.
  virtual void on_goodbye(std::string why) = 0;
  // Nothing behind this point can be understood: the connection is to be given up.
  virtual void on_lost_track() = 0;

 protected:
  ~TalkTarget() = default;
};

class Talk {
 public:
  Talk() = default;
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;
  virtual ~Talk() = default;

  // The connection is there: says hello, if the protocol has one. `link` and `target` stay valid
  // until the Talk is destroyed.
  virtual void open(engine::Link& link, TalkTarget& target) = 0;
  // Writes the next `count` requests. Requires: ready.
  virtual void request(std::uint64_t count) = 0;
  // How many of the next requests fit into that many bytes.
  virtual std::uint64_t fitting(std::uint64_t bytes_max) const = 0;
  // No more requests will come for now: writes what it takes to have all of them answered.
  virtual void conclude() {}
  // Called now and then from `open` until the load begins: for those who have to knock.
  virtual void poke() {}
  // What came, as Session::on_bytes.
  virtual std::size_t read(Bytes bytes) = 0;
  // The server has ended its side; `rest` is what `read` left.
  virtual void ended(Bytes /*rest*/) {}
  // No more will come: reports what is missing of what it knows should have.
  virtual void finish() = 0;
};

// Makes the talks of one run. Called on: any shard, at the same time.
class Protocol {
 public:
  virtual ~Protocol() = default;
  // `connection` is its number within the run.
  virtual std::unique_ptr<Talk> talk(std::uint64_t connection) const = 0;
  // Fan-out: its talks tell on_acknowledged of each message.
  virtual bool acknowledges() const { return false; }
};

}  // namespace ringpost::loadgen
