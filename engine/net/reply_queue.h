#pragma once

// ReplyQueue: puts the answers of one connection in request order. Some are known at once, some
// must be asked of an actor, which may live on another shard; some requests are silent unless they
// fail. Whatever comes back first, the peer reads its answers in the order of its requests.
//
//   ask           takes a place, answered later by `resolve` with the token.
//   tell          takes no place: a silent request. If the actor objects, it sends word with the
//   token, and `insert` puts that
//                 text where the request stood.
//   say           an answer known at once. It may only be said behind silent requests once these
//   can no longer object: it waits for a
//                 `sync` of every shard told since the last one.
//   barrier       a place without text, that proves the same: for the end of input.
//
// Word about a tell and the answers of the same shard come in one FIFO lane, so an ask is a sync of
// its own shard.
//
// Bounded: `full` when `answers_max` answers are outstanding; the session takes no new request
// then, and goes on when `resolve` made room. (The last request before may add a barrier.)
//
// Owned by: one session. Called on: its shard only.

#include <array>
#include <cstdint>
#include <vector>

#include "engine/actor/post.h"
#include "engine/base/bytes.h"
#include "engine/base/payload.h"
#include "engine/net/session.h"

namespace ringpost::engine {

class ReplyQueue {
 public:
  // Where actors of the engine itself answer: the shard's own actor, which answers `kind_sync`.
  static constexpr ActorRef shard_actor(std::uint32_t shard) {
    return ActorRef::actor(shard, 0, 1);
  }

  explicit ReplyQueue(std::uint32_t answers_max) : answers_max_(answers_max) {}
  ~ReplyQueue() { ASSERT(block_ == nullptr); }  // Requires: cleared.
  ReplyQueue(const ReplyQueue&) = delete;
  ReplyQueue& operator=(const ReplyQueue&) = delete;

  void open(Link& link) { link_ = &link; }

  bool empty() const { return count_ == 0; }
  bool full() const { return answers_ >= answers_max_; }
  // Answers outstanding: places, each as often as its answer is to be written.
  std::uint32_t size() const { return answers_; }
  // Nothing was asked or said behind the place with that token.
  bool is_last(std::uint64_t token) const { return count_ != 0 && token == last_token(); }

  // A silent message to an actor, to fill in place.
  Message& tell(ActorRef to, std::uint16_t kind) {
    Message& message = link_->post().tell(to, link_->self(), kind);
    message.token = head_token_ + count_;  // the place that the next answer takes
    told_ |= std::uint64_t{1} << to.shard();
    return message;
  }

  // Somebody else has told actors of those shards, a bit each, on behalf of this session.
  void note_told(std::uint64_t shards) { told_ |= shards; }

  // Takes a place and asks for its answer. Requires: !full().
  // `times`: the one answer is to be written so often, for requests in a row that ask the same.
  Message& ask(ActorRef to, std::uint16_t kind, std::uint32_t times = 1) {
    // The answer comes behind word about earlier tells to the same shard; the others are asked.
    told_ &= ~(std::uint64_t{1} << to.shard());
    Place& place = push(times);
    place.waits = 1;
    if (told_ != 0) sync_told(place);
    return link_->post().ask(to, link_->self(), kind, last_token());
  }

  // An answer known at once. `text` must live as long as the program.
  void say(Bytes text);
  // The same for a text of its own.
  void say(Payload text);
  // A place without text, answered once every silent request before it is beyond objecting.
  void barrier();

  // An asked answer has come: its text goes out in its place. Requires: the place is open.
  void resolve(std::uint64_t token, Payload text);
  void resolve(std::uint64_t token, Bytes text_for_ever);
  // A shard answered `kind_sync` for this place.
  void synced(std::uint64_t token);
  // Word about a silent request: `text_for_ever` goes where it stood.
  void insert(std::uint64_t token, Bytes text_for_ever);

  // Drops all places; answers that still come are ignored by the stale generation.
  void clear();

 private:
  struct Place {
    std::uint32_t waits;       // answers that must come before this place is settled
    std::uint32_t times;       // that the answer is written; 1 for a text
    std::uint32_t text_bytes;  // of `text`
    const char* text;          // to be written when settled, if any
    PayloadBlock* payload;     // or this, counted
  };
  struct Inserted {
    std::uint64_t before;  // token of the place it goes in front of
    Bytes text;
  };

  std::uint64_t last_token() const { return head_token_ + count_ - 1; }
  Place* places() { return reinterpret_cast<Place*>(block_->data()); }
  Place& place(std::uint32_t index) { return places()[(head_ + index) & (capacity_ - 1)]; }
  Place& push(std::uint32_t times);
  void grow();
  Place& at(std::uint64_t token);
  void answered(std::uint64_t token, Place& place);
  void settle();  // writes out the front as far as it is settled
  void write_out(Place& place);
  void sync_told(Place& place);
  void write_inserted(std::size_t& written);

  Link* link_ = nullptr;
  Block* block_ = nullptr;      // the places, a ring; none while there is no place
  std::uint32_t capacity_ = 0;  // places in the ring, a power of two
  std::uint32_t answers_max_;
  std::uint32_t answers_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t head_ = 0;          // index of the first place
  std::uint64_t head_token_ = 0;    // its token
  std::uint64_t told_ = 0;          // shards told since they were last synced
  std::vector<Inserted> inserted_;  // ordered by `before`; seldom anything
};

}  // namespace ringpost::engine
