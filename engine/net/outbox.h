#pragma once

// Outbox: what a connection still has to send, as one ordered chain of bytes, payload slices and
// ranges of fan-out logs. Everything written during a turn leaves in one send at its end; while a
// send is in flight the chain only grows behind it.
//
// Invariants:
//  1. The bytes of a send in flight are the front of the chain. Nothing in front changes until
//  `consume` or `clear`.
//  2. A followed log's bytes from the cursor on come behind the chain; whatever is written first
//  takes them into the chain, so the
//     order of bytes is the order in which they came to be.
//
// Owned by: one connection. Called on: its shard only.

#include <array>
#include <cstdint>

#include "engine/base/buffer_pool.h"
#include "engine/base/bytes.h"
#include "engine/base/payload.h"
#include "engine/io/io.h"
#include "engine/net/fan_out_log.h"

namespace ringpost::engine {

class Outbox {
 public:
  // Up to this size a payload is copied behind the bytes that are there: cheaper than another piece
  // of a send.
  static constexpr std::size_t payload_copy_bytes_max = 1024;

  explicit Outbox(BufferPool& pool) : pool_(pool) {}
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void write(Bytes bytes) {
    if (follower_ != nullptr) take_followed();
    append(bytes);
  }
  // The payload's bytes, `times` in a row: copied if they are few, else by reference.
  void write(const Payload& payload, std::uint32_t times = 1);
  // The `bytes` bytes from `offset` on of a block, which the outbox owns from here on: sent from
  // where they lie, or copied if they are few. Requires: the block is of this outbox's pool, and
  // nobody else writes to it or reads it any more.
  void write(Block* block, std::uint32_t offset, std::size_t bytes);
  // Bytes of a kept buffer, which the outbox gives back once they are sent or dropped.
  void write(const KeptBytes& kept);

  // Room for `bytes` to be written in place, then `commit` of what was used. Requires: bytes <=
  // reserve_bytes_max.
  static constexpr std::size_t reserve_bytes_max = 16 * 1024;
  char* reserve(std::size_t bytes);
  void commit(std::size_t bytes);

  // Joins a log at its end, or leaves it (what was appended until then and not skipped is still
  // sent). One log at a time.
  void follow(Follower& follower, FanOutLog& log, Link& link);
  void unfollow();
  // Does not send the range, which must be the last one appended to the followed log.
  void skip(FanOutLog::Range range);

  // Bytes not yet sent, those in flight included.
  std::uint64_t bytes() const { return bytes_ + (follower_ == nullptr ? 0 : follower_->lag()); }
  bool empty() const { return bytes() == 0; }

  // Lists the front of the chain in `request`, at most bytes_max. Returns how many bytes that is.
  std::size_t gather(SendRequest& request, std::size_t bytes_max);
  // The first `bytes` were sent.
  void consume(std::size_t bytes);
  // Drops everything, a followed log's bytes until now included. Requires: no send in flight.
  void clear();

 private:
  enum class Kind : std::uint8_t { bytes, payload, log, kept };

  // A piece of the chain. For a log the piece starts in `segment` and may run on through those
  // behind it.
  struct Entry {
    Kind kind;
    BufferId buffer;       // of kept bytes
    std::uint32_t offset;  // of the first unsent byte in block, payload, segment or kept bytes
    std::uint64_t bytes;
    union {
      Block* block;
      PayloadBlock* payload;
      LogSegment* segment;
      const char* kept;
    };
  };
  static constexpr std::size_t inline_entries = 2;

  void append(Bytes bytes);
  char* room_for(std::size_t bytes);  // makes the last entry one with that much room
  void take_followed();
  void drop_followed();
  void add_log_range(LogSegment* segment, std::uint64_t begin, std::uint64_t end);
  Entry& push_entry();
  void pop_entry();
  void release(Entry& entry);
  static char* start_of(const Entry& entry);  // of one that is not of a log
  void gather_log(const Entry& entry, std::size_t bytes, SendRequest& request) const;
  Entry* entries() { return spill_ == nullptr ? inline_.data() : spilled(); }
  Entry* spilled() { return reinterpret_cast<Entry*>(spill_->data()); }
  std::size_t entry_capacity() const {
    return spill_ == nullptr ? inline_entries : spill_->capacity / sizeof(Entry);
  }

  BufferPool& pool_;
  Io* kept_home_ = nullptr;  // whose buffers the kept bytes are
  Follower* follower_ = nullptr;
  std::uint64_t bytes_ = 0;           // sum over the entries
  std::uint32_t head_ = 0;            // first entry in use
  std::uint32_t tail_ = 0;            // behind the last
  std::uint32_t gathered_bytes_ = 0;  // by the last gather: how large a block to begin with
  Block* spill_ = nullptr;            // holds the entries once there are more than fit inline
  std::array<Entry, inline_entries> inline_;
};

}  // namespace ringpost::engine
