#pragma once

// Post: where the messages of one shard leave. One queue per target shard, in order: messages for
// this shard's own actors are delivered in the same turn; those for another shard move into its
// SPSC lane when the turn publishes, as many as the lane takes. What does not fit stays at the head
// of the same queue: that rest is the spill.
//
// While a queue is full, the shard parses no new requests (`congested`): from the push that makes
// it as long as its mark (a lane's capacity), or while any of it is spill. So what can wait here is
// bounded by the mark, what one request makes, and what was admitted: by each connection's reply
// queue and by each room's log.
//
// Owned by: one shard. Called on: owner only.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/actor/message.h"

namespace ringpost::engine {

// Messages in order: pushed behind, consumed in front as one contiguous span. Keeps its memory, so
// it allocates only while it grows.
class MessageQueue {
 public:
  bool empty() const { return head_ == tail_; }
  std::size_t size() const { return tail_ - head_; }
  std::span<const Message> items() const { return {items_.get() + head_, tail_ - head_}; }
  // Messages that ever left in front: those in the queue follow them.
  std::uint64_t popped() const { return popped_; }

  // A slot at the end, to fill in place; valid until the next push.
  Message& push() {
    if (tail_ == push_end_) [[unlikely]] {
      prepare_push();
    }
    return items_[tail_++];
  }

  // Requires: count <= size().
  void pop(std::size_t count) {
    DASSERT(count <= size());
    head_ += count;
    popped_ += count;
    if (head_ == tail_) head_ = tail_ = 0;
    set_push_end();
  }

  void clear() { pop(size()); }

  // Its length from which on it is full. Costs nothing per message: a push that reaches it takes
  // the same way out as one that finds no room.
  void set_mark(std::size_t mark) {
    ASSERT(mark > 0);
    mark_ = mark;
    set_push_end();
  }
  // The next push makes it full, or lacks room, or would if it were not full already.
  bool at_push_end() const { return tail_ == push_end_; }
  bool full_with_next() const { return size() + 1 >= mark_; }

 private:
  static constexpr std::size_t capacity_first = 256;

  void prepare_push() {
    if (tail_ == capacity_) make_room();
    push_end_ = full_with_next() ? capacity_ : std::min(capacity_, head_ + mark_ - 1);
  }

  void set_push_end() {
    push_end_ = size() >= mark_ ? capacity_ : std::min(capacity_, head_ + mark_ - 1);
  }

  void make_room() {
    if (head_ > capacity_ / 2) {  // more free in front than in use: slide
      std::memmove(static_cast<void*>(items_.get()), items_.get() + head_,
                   size() * sizeof(Message));
    } else {
      const std::size_t capacity = capacity_ == 0 ? capacity_first : capacity_ * 2;
      auto larger = std::make_unique_for_overwrite<Message[]>(capacity);
      if (size() != 0) {
        std::memcpy(static_cast<void*>(larger.get()), items_.get() + head_,
                    size() * sizeof(Message));
      }
      items_ = std::move(larger);
      capacity_ = capacity;
    }
    tail_ -= head_;
    head_ = 0;
  }

  std::unique_ptr<Message[]> items_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  std::size_t push_end_ = 0;  // where a push must look: at the mark, or for room
  std::size_t capacity_ = 0;
  std::size_t mark_ = SIZE_MAX / 2;
  std::uint64_t popped_ = 0;
};

class Post {
 public:
  Post(std::uint32_t shard, std::uint32_t shard_count) : shard_(shard), shard_count_(shard_count) {
    ASSERT(shard_count <= shard_count_max && shard < shard_count);
  }
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;

  std::uint32_t shard() const { return shard_; }
  std::uint32_t shard_count() const { return shard_count_; }

  // A message to fill in place; `length`, `holds`, `token` and `value` start at zero. Valid until
  // the next call.
  Message& tell(ActorRef to, ActorRef from, std::uint16_t kind) {
    DASSERT(to.shard() < shard_count_);
    MessageQueue& queue = queues_[to.shard()];
    if (queue.at_push_end() && queue.full_with_next()) [[unlikely]] {
      set_full(to.shard(), true);
    }
    Message& message = queue.push();
    message.to = to;
    message.from = from;
    message.token = 0;
    message.kind = kind;
    message.length = 0;
    message.holds = Holds::nothing;
    message.is_ask = false;
    message.value = 0;
    return message;
  }

  // The same, with an answer awaited: exactly one message comes back that carries `token`,
  // `kind_gone` if the actor is not there.
  Message& ask(ActorRef to, ActorRef from, std::uint16_t kind, std::uint64_t token) {
    Message& message = tell(to, from, kind);
    message.token = token;
    message.is_ask = true;
    return message;
  }

  // Answers an ask, or sends word about an earlier tell with its token. `from` of the answer is who
  // was asked.
  Message& answer(const Message& question, std::uint16_t kind) {
    const std::uint64_t token = question.token;
    Message& message = tell(question.from, question.to, kind);
    message.token = token;
    return message;
  }

  // Some queue is full: admit nothing new.
  bool congested() const { return full_ != 0; }
  bool full(std::uint32_t target) const { return (full_ >> target & 1) != 0; }

  // For the shard's loop, which says when a queue is no longer full.
  MessageQueue& queue(std::uint32_t target) { return queues_[target]; }
  const MessageQueue& queue(std::uint32_t target) const { return queues_[target]; }
  void set_full(std::uint32_t target, bool full) {
    const std::uint64_t bit = std::uint64_t{1} << target;
    full_ = full ? full_ | bit : full_ & ~bit;
  }

 private:
  std::uint32_t shard_;
  std::uint32_t shard_count_;
  std::uint64_t full_ = 0;  // bit per target shard
  std::array<MessageQueue, shard_count_max> queues_;
};

}  // namespace ringpost::engine
