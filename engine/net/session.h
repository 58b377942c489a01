#pragma once

// Session: one protocol's talk on one connection, as a state machine. It never waits, starts no
// thread and does no I/O: bytes, messages and time come down to it through its virtual calls, and
// what it wants done goes up through its Link.
//
// Owned by: the Service that made it, from before on_open until after on_closed. Called on: its
// shard only.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/actor/actor_ref.h"
#include "engine/actor/message.h"
#include "engine/actor/post.h"
#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/base/payload.h"
#include "engine/net/counters.h"
#include "engine/net/outbox.h"

namespace ringpost::engine {

class Link;

class Session {
 public:
  // The connection is there; `link` stays valid until on_closed has returned.
  virtual void on_open(Link& link) = 0;
  // Bytes of the peer, in order. Returns how many were dealt with; the rest is presented again,
  // with more behind it and perhaps at another address, never with less. Stop at once when
  // link.paused() says so. Requires of the session: it makes progress on any complete request, and
  // bounds how much it leaves unconsumed.
  virtual std::size_t on_bytes(Bytes bytes) = 0;
  // The peer ended its side (FIN). `rest` is what on_bytes left, for good.
  virtual void on_end(Bytes rest) = 0;
  // Answers and word from actors, oldest first. The session owns what they hold.
  virtual void on_messages(std::span<const Message> run) = 0;
  // The time set by Link::set_timer has come.
  virtual void on_timer() {}
  // Output fell below the low mark again. On a link that leads or receives blocks: all output was
  // sent; on one that receives blocks, or it was given up because the peer is gone.
  virtual void on_drained() {}
  // The service is stopping: no more input will come. Say goodbye if the protocol has one. What was
  // asked is still answered; once nothing moves between the shards any more, the connection is
  // flushed and closed.
  virtual void on_drain() {}
  // The same, at the end of the drain: nothing moves any more, and what is written now is the last.
  virtual void on_farewell() {}
  // The connection is over. No call comes after this one, and `link` is not to be used.
  virtual void on_closed(CloseReason reason) = 0;

 protected:
  ~Session() = default;
};

// Makes and takes back the sessions of one protocol on one shard. Called on: its shard only.
class Service {
 public:
  virtual ~Service() = default;
  virtual Session& open() = 0;
  virtual void close(Session& session) = 0;
};

// The lower face: what a session may ask of its connection. The per-message calls are inline; the
// rare ones are virtual.
class Link {
 public:
  // Who messages to this session go to. Changes never while the session lives.
  ActorRef self() const { return self_; }
  Post& post() const { return post_; }
  PayloadPool& payloads() const { return payloads_; }
  Counters& counters() const { return counters_; }
  BufferPool& buffers() const { return buffers_; }
  Nanos now() const { return now_; }  // of this turn

  // Output. It leaves in one send at the end of the turn.
  void write(Bytes bytes) {
    outbox_.write(bytes);
    touch();
  }
  // The payload's bytes, `times` in a row.
  void write(const Payload& payload, std::uint32_t times = 1) {
    outbox_.write(payload, times);
    touch();
  }
  // Bytes that lie in a block of `buffers()`, which is the connection's from here on.
  void write_block(Block* block, std::uint32_t offset, std::size_t bytes) {
    outbox_.write(block, offset, bytes);
    touch();
  }
  // Bytes that on_bytes was given, from where they were received: nothing is copied, and the buffer
  // is given back when they have been sent. None if they are few, or not the last of a buffer, or
  // if the shard has too few buffers to spare one: then they are to be copied. Whoever keeps them
  // writes them, or gives them back. Requires: inside on_bytes, which returns that it dealt with
  // all that it was given.
  std::optional<KeptBytes> try_keep(Bytes bytes) {
    if (bytes.size() < kept_bytes_min_) return {};
    return try_keep_many(bytes);
  }
  void write_kept(const KeptBytes& kept) {
    outbox_.write(kept);
    touch();
  }
  // Room to write in place, then `commit`. Requires: bytes <= Outbox::reserve_bytes_max.
  char* reserve(std::size_t bytes) { return outbox_.reserve(bytes); }
  void commit(std::size_t bytes) {
    outbox_.commit(bytes);
    touch();
  }
  const Outbox& outbox() const { return outbox_; }
  std::uint64_t output_high_bytes() const { return output_high_; }

  // Fan-out: see FanOutLog. Following ends by itself when the connection does.
  void follow(Follower& follower, FanOutLog& log) { outbox_.follow(follower, log, *this); }
  void unfollow() { outbox_.unfollow(); }
  void skip(FanOutLog::Range range) { outbox_.skip(range); }

  // True while no request may be parsed: the session paused, the output is above its high mark, the
  // shard's lanes are full, or the connection is ending.
  bool paused() const {
    return pauses_ != 0 || outbox_.bytes() >= output_high_ || post_.congested();
  }
  // The session's own reason to stop parsing. Bytes that were delivered are kept, at most one
  // receive's worth beyond what the kernel had already handed over; then receiving itself is taken
  // back until `resume`.
  void pause() { pauses_ |= pause_session; }
  virtual void resume() = 0;

  // For sessions that ask where others answer, as clients do: what they write answers nothing that
  // came in, so it does not pause the input, and it is for them to write no more than they can
  // keep. Requires: called in on_open.
  void lead() {
    output_high_ = UINT64_MAX;
    leads_ = true;
  }

  // For sessions that pass bytes on: receives one block of up to `bytes_max` bytes at a time
  // instead of whatever the shard's common buffers take in, so that the peer is held back exactly.
  // While the session is paused one block waits and no other is received. Such a link leads, too,
  // for what it writes came in elsewhere. Blocks begin small, grow up
  // to `bytes_max` (of the pool's block, its header included) while they are filled, and shrink
  // again. Requires: called in on_open; bytes_max >= 2048.
  void receive_blocks(std::uint32_t bytes_max) {
    block_bytes_max_ = bytes_max;
    lead();
  }
  // The block with all the bytes that on_bytes was given, which must return that it dealt with
  // them. It belongs to the caller, who writes it to a link of the same shard or gives it back to
  // `buffers`. Requires: inside on_bytes of a link that receives blocks; once.
  struct TakenBlock {
    Block* block;
    std::uint32_t offset;
    std::size_t bytes;
  };
  virtual TakenBlock take() = 0;

  // More output than this waiting for the peer after a flush ends the connection as a slow
  // consumer. 0: no limit.
  void set_pending_max(std::uint64_t bytes) { pending_max_ = bytes; }

  // Another session goes on with the connection, as an HTTP connection that was upgraded. When the
  // call to this one returns, it hears on_closed(none), and `next` hears on_open; what on_bytes has
  // left is presented to it. Who is asked for by the old `self` is gone. Output stays in order;
  // pauses, the timer and the limit of what may be pending begin anew. `owner` is who takes `next`
  // back, here too if the connection ends at once. Requires: inside on_bytes or on_messages; no
  // log is followed, blocks are not received, and no answer is awaited that matters.
  virtual void become(Session& next, Service& owner) = 0;

  // One timer; setting it anew moves it. Coarse: 1 ms.
  virtual void set_timer(Nanos deadline) = 0;
  virtual void cancel_timer() = 0;

  // Sends what is written, then FIN, discards what still comes for a bounded time and amount, then
  // closes. Nothing more is read.
  virtual void close_after_flush(CloseReason reason) = 0;
  // Sends what is written, then FIN; input goes on. Nothing may be written any more.
  virtual void shutdown_write() = 0;
  // Sends what is written, waits until the peer has got it, for as long as it takes more, then ends
  // the connection by a reset: what the peer got is not all there was. Nothing more is read.
  virtual void reset_after_flush(CloseReason reason) = 0;
  // Ends the connection without flushing, at the end of the turn.
  virtual void abort(CloseReason reason) = 0;

  // Flushes this connection at the end of the turn.
  void touch() {
    if (!touched_) {
      touched_ = true;
      list_touched();
    }
  }

 protected:
  static constexpr std::uint8_t pause_session = 1;
  static constexpr std::uint8_t pause_output =
      2;  // passed the high mark, not yet below the low one
  static constexpr std::uint8_t pause_ending = 4;

  Link(Post& post, PayloadPool& payloads, Counters& counters, const Nanos& now, BufferPool& pool)
      : post_(post),
        payloads_(payloads),
        counters_(counters),
        now_(now),
        buffers_(pool),
        outbox_(pool) {}
  ~Link() = default;

  virtual void list_touched() = 0;
  virtual std::optional<KeptBytes> try_keep_many(Bytes bytes) = 0;

  Post& post_;
  PayloadPool& payloads_;
  Counters& counters_;
  const Nanos& now_;
  BufferPool& buffers_;
  ActorRef self_;
  Outbox outbox_;
  std::uint64_t output_high_ = 0;
  std::uint64_t pending_max_ = 0;
  std::uint32_t kept_bytes_min_ = UINT32_MAX;
  std::uint32_t block_bytes_max_ = 0;  // 0: receives into the shard's common buffers
  std::uint8_t pauses_ = 0;
  bool touched_ = false;
  bool leads_ = false;  // on_drained comes when all output was sent
};

}  // namespace ringpost::engine
