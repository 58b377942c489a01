#pragma once

// FanOutLog: bytes that many connections of one shard are to get, appended once. A member follows
// the log with a cursor, so what a line costs does not grow with the members: at the end of the
// turn each member's outbox takes the range from its cursor to the log's end, and one send carries
// it.
//
// The bytes lie in segments of fixed size, oldest first. A segment counts its holders: followers
// whose cursor is in it, and outbox entries that start in it. A holder needs all later segments
// too, so the log frees from the front only: a slow member keeps what it has not sent, and nothing
// more.
//
// Owned by: one shard (an actor of it). Called on: owner only.

#include <cstdint>
#include <vector>

#include "engine/actor/actor_ref.h"
#include "engine/base/buffer_pool.h"
#include "engine/base/bytes.h"
#include "engine/base/fifo.h"
#include "engine/base/payload.h"

namespace ringpost::engine {

class FanOutLog;
class Link;
class Outbox;

// Sits at the front of its block; the bytes follow.
struct LogSegment {
  FanOutLog* log;
  LogSegment* next;
  Block* block;
  std::uint64_t start;  // the log position of the first byte
  std::uint32_t size;
  std::uint32_t capacity;
  std::uint32_t holders;

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  std::uint64_t end() const { return start + size; }
};

// One member's place in a log. Embedded in the session; attached by Link::follow.
struct Follower {
  FanOutLog* log = nullptr;  // null: follows nothing
  LogSegment* segment = nullptr;
  std::uint64_t cursor = 0;  // the first byte not yet taken; may be ahead of the log's end
  Link* link = nullptr;
  std::uint32_t index = 0;  // in the log's list

  inline std::uint64_t lag() const;
};

// What the logs of one shard share with its loop.
struct FanOutTurn {
  BufferPool& pool;
  std::vector<FanOutLog*> appended;  // logs whose followers have something new, or will
  std::uint64_t appended_bytes = 0;  // ever
  bool end_input = false;            // a log took its share of this turn: flush before reading on
};

class FanOutLog {
 public:
  // A log position range [begin, end).
  struct Range {
    std::uint64_t begin;
    std::uint64_t end;
  };

  // `turn_bytes_max`: after that many bytes in one turn, the shard flushes before it takes more in.
  // A quarter of the members' limit keeps a member that reads from ever being judged slow.
  FanOutLog(FanOutTurn& turn, std::uint64_t turn_bytes_max);
  ~FanOutLog();  // Requires: no followers, and no outbox holds a range.
  FanOutLog(const FanOutLog&) = delete;
  FanOutLog& operator=(const FanOutLog&) = delete;

  // Appends a run for all followers but `origin`, whose session it came from (nobody, if that is on
  // another shard). What is over this turn's share waits, in order, for the next turns.
  void append(Payload run, ActorRef origin);
  std::uint64_t end() const { return end_; }
  const std::vector<Follower*>& followers() const { return followers_; }
  // Bytes that some holder still needs, or that lie in the last segment.
  std::uint64_t held_bytes() const { return end_ - first_->start; }

  // For Link and Outbox. The follower gets what is appended from now on.
  void attach(Follower& follower, Link& link);
  void detach(Follower& follower);
  // Moves one hold from the segment of an earlier byte to that of `position`, and frees what nobody
  // holds. Requires: `from` is held by the caller.
  LogSegment* move_hold(LogSegment* from, std::uint64_t position);
  static void hold(LogSegment* segment) { ++segment->holders; }
  void unhold(LogSegment* segment);

  // For the shard's loop, once a turn while listed: appends what waits, as far as the turn's share
  // goes, and tells each follower's connection to flush. False: more waits for the next turn.
  bool end_turn();

 private:
  struct Run {
    Payload bytes;
    ActorRef origin;
  };

  void append_now(const Run& run);
  Range copy_in(Bytes bytes);
  void begin_anew();
  void add_segment();
  void free_unheld();

  FanOutTurn& turn_;
  std::uint64_t turn_bytes_max_;
  std::uint64_t turn_bytes_ = 0;
  bool listed_ = false;  // in turn_.appended
  std::uint64_t end_ = 0;
  LogSegment* first_ = nullptr;
  LogSegment* last_ = nullptr;
  std::vector<Follower*> followers_;
  std::vector<Follower*>
      by_slot_;        // the same, by the slot of their connection; null: does not follow
  Fifo<Run> waiting_;  // over a turn's share
  std::uint64_t waiting_bytes_ = 0;  // in these
};

inline std::uint64_t Follower::lag() const {
  return log == nullptr || log->end() < cursor ? 0 : log->end() - cursor;
}

}  // namespace ringpost::engine
