#pragma once

// SpscRing<T>: a bounded queue from one thread to one other thread, without locks. It is the lane
// of the shard mesh, so it is made for runs: a producer stages any number of items and publishes
// them with one store, a consumer reads a run in place and gives all its slots back with one store.
//
//   SpscRing<Message> ring(1024);
//   auto producer = ring.producer();   // on the sending side
//   auto consumer = ring.consumer();   // on the receiving side
//
// Roles. `tail_` counts the items ever published; only the producer writes it. `head_` counts the
// slots ever given back; only the consumer writes it. Each role is a move-only handle that keeps
// its own index and a copy of the opposite one, which it refreshes only when the copy says "full"
// or "empty". The handles hold this state themselves, so that a loop keeps it in registers; give
// each handle a home in memory that only its thread writes.
//
// Invariants.
//   1. head <= tail <= head + capacity, as counters that never wrap (64 bits).
//   2. Slots [head, tail) belong to the consumer, all others to the producer; index i lives in slot
//      i mod capacity.
//   3. A handle's copy of the opposite index is never ahead of the truth: it only ever makes the
//      ring look fuller to the producer and emptier to the consumer than it is.
//   4. A consumer that takes items one by one (`try_pop`) gives the slots back in groups of at most
//      64 and at most a quarter of the ring, and all of them when it took the last item it knows
//      of. So slots are only withheld while items wait. `release` gives back at once.
//
// Publication. The producer's release store of `tail_` pairs with the consumer's acquire load of it
// and makes the items before it visible; the consumer's release store of `head_` pairs with the
// producer's acquire load of it and proves that the consumer has done with the slots before it.
//
// Why it is fast. What costs is the number of times the line of an index moves between the cores:
// some 100 ns for the reader and as much again for the writer, the time of a hundred pushes. A
// consumer that is faster than its producer settles at looking for every 20 items or so, and the
// looks then set the pace. So one that has just eaten a run waits a moment before it looks
// again, and finds hundreds (3x the rate, measured); a lone message is not delayed by that. Giving
// slots back in groups does the same for a producer that finds the ring full.
//
// T is trivially copyable: what crosses threads is bytes. Who sends a counted reference in them
// passes the count on by hand. A ring that is destroyed with items in it forgets them.
//
// A ring outlives its handles, and neither is shared: called on the owner of the handle only.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/constants.h"
#include "engine/ring/atomic.h"
#include "engine/ring/relax.h"
#include "engine/ring/role_check.h"

namespace ringpost::engine {

// The memory orders of the ring, by name (see atomic.h).
enum class SpscSite : std::uint8_t {
  publish_tail,  // producer: items become visible
  refresh_tail,  // consumer: sees items
  publish_head,  // consumer: slots go back
  refresh_head,  // producer: sees free slots
};

template <typename T, typename Atomics = StdAtomics>
class SpscRing {
  static_assert(std::is_trivially_copyable_v<T>, "What crosses threads is bytes.");
  static_assert(std::is_default_constructible_v<T>, "Slots exist before there are items.");

 public:
  using Slot = typename Atomics::template Plain<T>;  // T itself in production.
  class Producer;
  class Consumer;

  // Requires: capacity is a power of two (1 and 2 are for tests and simulation). Touches every
  // slot, so that no page fault waits for the first lap.
  explicit SpscRing(std::size_t capacity)
      : capacity_(capacity), slots_(allocate_slots(capacity), SlotsDeleter{capacity}) {}
  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;
  ~SpscRing() {
    DASSERT(!producer_taken_);
    DASSERT(!consumer_taken_);
  }

  std::size_t capacity() const { return capacity_; }

  // Slots that one-by-one pops may withhold, plus one (invariant 4).
  static constexpr std::size_t release_group_max = 64;

  // The one handle of its role; ASSERTs that there is no other. A handle that was given up may be
  // taken again. Called on: any thread, but the caller orders this against the former owner.
  Producer producer() { return Producer(*this); }
  Consumer consumer() { return Consumer(*this); }

 private:
  using Index = std::uint64_t;
  using AtomicIndex = typename Atomics::template Atomic<Index>;

  struct SlotsDeleter {
    std::size_t count;
    void operator()(Slot* slots) const {
      std::destroy_n(slots, count);
      ::operator delete(static_cast<void*>(slots), slots_alignment);
    }
  };

  // Slots start on a line of their own, so that the first and the last share none with others.
  static constexpr std::align_val_t slots_alignment{std::max(cache_line_size, alignof(Slot))};

  static Slot* allocate_slots(std::size_t count) {
    ASSERT(std::has_single_bit(count));
    void* memory = ::operator new(count * sizeof(Slot), slots_alignment);
    Slot* slots = static_cast<Slot*>(memory);
    std::uninitialized_value_construct_n(slots, count);
    return slots;
  }

  // Written at construction only (the flags: when a handle comes or goes).
  const std::size_t capacity_;
  const std::unique_ptr<Slot[], SlotsDeleter> slots_;
  bool producer_taken_ = false;
  bool consumer_taken_ = false;

  // One line per writer, and a line between them: the adjacent-line prefetcher moves lines in
  // pairs.
  static constexpr std::size_t index_alignment = 2 * cache_line_size;
  alignas(index_alignment) AtomicIndex tail_{0};  // Owned by: producer.
  alignas(index_alignment) AtomicIndex head_{0};  // Owned by: consumer.
};

template <typename T, typename Atomics>
class SpscRing<T, Atomics>::Producer {
 public:
  Producer(Producer&& other) noexcept
      : role_(std::move(other.role_)),
        ring_(std::exchange(other.ring_, nullptr)),
        slots_(other.slots_),
        mask_(other.mask_),
        tail_(other.tail_),
        published_(other.published_),
        head_seen_(other.head_seen_) {}
  Producer& operator=(Producer&&) = delete;
  // Requires: everything staged was published.
  ~Producer() {
    if (ring_ == nullptr) {
      return;
    }
    DASSERT(tail_ == published_);
    ring_->producer_taken_ = false;
  }

  std::size_t capacity() const { return static_cast<std::size_t>(mask_ + 1); }

  // Writes one item without showing it to the consumer; `publish` does that for all staged ones at
  // once. Returns false when the ring is full.
  [[nodiscard]] bool try_stage(const T& item) {
    const RoleCheck::Scope scope(role_);
    if (!has_free(1)) {
      return false;
    }
    slots_[tail_ & mask_] = item;
    ++tail_;
    return true;
  }

  // Shows every staged item to the consumer, with one store.
  void publish() {
    const RoleCheck::Scope scope(role_);
    publish_tail();
  }

  std::size_t staged() const { return static_cast<std::size_t>(tail_ - published_); }

  // Stages and publishes. Returns false when the ring is full.
  [[nodiscard]] bool try_push(const T& item) {
    if (!try_stage(item)) {
      return false;
    }
    publish();
    return true;
  }

  // Pushes the first items of the batch, as many as there is room for, with one publication.
  // Returns how many.
  [[nodiscard]] std::size_t try_push_batch(std::span<const T> items) {
    std::size_t pushed = 0;
    while (pushed < items.size()) {
      const std::span<Slot> free = claim(items.size() - pushed);
      if (free.empty()) {
        break;
      }
      std::copy_n(items.begin() + static_cast<std::ptrdiff_t>(pushed), free.size(), free.begin());
      tail_ += free.size();
      pushed += free.size();
    }
    if (pushed != 0) {
      publish();
    }
    return pushed;
  }

  // Lends up to `count` free slots after the staged ones, to be written in place; empty when the
  // ring is full. The span is contiguous, so at the end of the storage it is shorter than the free
  // room. It is good until the next call on this handle.
  [[nodiscard]] std::span<Slot> claim(std::size_t count) {
    const RoleCheck::Scope scope(role_);
    MAYBE(has_free(count));
    (void)has_free(count);
    const std::size_t offset = static_cast<std::size_t>(tail_ & mask_);
    const std::size_t to_end = capacity() - offset;
    return {slots_ + offset, std::min({count, free_seen(), to_end})};
  }

  // Publishes the first `count` slots of the last claim, and whatever was staged before it.
  void commit(std::size_t count) {
    const RoleCheck::Scope scope(role_);
    ASSERT(count <= free_seen());
    tail_ += count;
    publish_tail();
  }

  // Free slots as far as known; there may be more by now. Never more than there are.
  std::size_t free_guess() const { return free_seen(); }

 private:
  friend class SpscRing;

  explicit Producer(SpscRing& ring)
      : ring_(&ring),
        slots_(ring.slots_.get()),
        mask_(ring.capacity_ - 1),
        // Relaxed: only the producer writes tail_, and this is the producer.
        tail_(ring.tail_.load(std::memory_order_relaxed)),
        published_(tail_),
        head_seen_(tail_ - ring.capacity_) {
    ASSERT(!std::exchange(ring.producer_taken_, true));
    refresh_head();
  }

  std::size_t free_seen() const {
    return capacity() - static_cast<std::size_t>(tail_ - head_seen_);
  }

  bool has_free(std::size_t count) {
    if (free_seen() >= count) [[likely]] {
      return true;
    }
    refresh_head();
    return free_seen() >= count;
  }

  void refresh_head() {
    // Acquire: pairs with the release in Consumer::publish_head. The consumer's reads of the slots
    // it gave back come before our writes to them.
    head_seen_ =
        ring_->head_.load(Atomics::order(SpscSite::refresh_head, std::memory_order_acquire));
    DASSERT(tail_ - head_seen_ <= capacity());
  }

  void publish_tail() {
    published_ = tail_;
    // Release: pairs with the acquire in Consumer::refresh_tail. The items are written before the
    // consumer may read them.
    ring_->tail_.store(tail_, Atomics::order(SpscSite::publish_tail, std::memory_order_release));
  }

  [[no_unique_address]] RoleCheck role_;
  SpscRing* ring_;
  Slot* slots_;
  Index mask_;
  Index tail_;       // Next index to write; ahead of published_ by what is staged.
  Index published_;  // What ring_->tail_ holds.
  Index head_seen_;  // Copy of ring_->head_, never ahead of it.
};

template <typename T, typename Atomics>
class SpscRing<T, Atomics>::Consumer {
 public:
  Consumer(Consumer&& other) noexcept
      : role_(std::move(other.role_)),
        ring_(std::exchange(other.ring_, nullptr)),
        slots_(other.slots_),
        mask_(other.mask_),
        group_mask_(other.group_mask_),
        head_(other.head_),
        tail_seen_(other.tail_seen_),
        run_start_(other.run_start_) {}
  Consumer& operator=(Consumer&&) = delete;
  ~Consumer() {
    if (ring_ == nullptr) {
      return;
    }
    publish_head();  // Slots that a group still withheld.
    ring_->consumer_taken_ = false;
  }

  std::size_t capacity() const { return static_cast<std::size_t>(mask_ + 1); }

  // Lends up to `count` items in place, oldest first; empty when there is none. The span is
  // contiguous, so at the end of the storage it is shorter than what waits. The slots stay ours,
  // and may be written (a message is disposed of in place), until `release`.
  [[nodiscard]] std::span<Slot> peek(std::size_t count = SIZE_MAX) {
    const RoleCheck::Scope scope(role_);
    if (head_ == tail_seen_) {
      refresh_tail();
    }
    return readable(count);
  }

  // The same for one who takes run after run and does nothing else: after a run it waits a
  // moment before it looks for more, as the pops do (see above).
  [[nodiscard]] std::span<Slot> peek_paced(std::size_t count) {
    const RoleCheck::Scope scope(role_);
    if (head_ == tail_seen_) {
      (void)refill();
    }
    return readable(count);
  }

  // Gives the oldest `count` slots back to the producer, with one store. Requires: they were
  // peeked.
  void release(std::size_t count) {
    const RoleCheck::Scope scope(role_);
    ASSERT(count <= readable_seen());
    head_ += count;
    publish_head();
  }

  // Takes the oldest item. Returns false when there is none. Gives slots back in groups
  // (invariant 4).
  [[nodiscard]] bool try_pop(T& item) {
    const RoleCheck::Scope scope(role_);
    if (head_ == tail_seen_ && !refill()) {
      return false;
    }
    item = slots_[head_ & mask_];
    ++head_;
    if ((head_ & group_mask_) == 0 || head_ == tail_seen_) {
      publish_head();
    }
    return true;
  }

  // Takes up to items.size() of the oldest items and gives their slots back with one store. Returns
  // how many.
  [[nodiscard]] std::size_t try_pop_batch(std::span<T> items) {
    const RoleCheck::Scope scope(role_);
    std::size_t popped = 0;
    while (popped < items.size() && (head_ != tail_seen_ || refill())) {
      const std::span<Slot> run = readable(items.size() - popped);
      std::copy_n(run.begin(), run.size(), items.begin() + static_cast<std::ptrdiff_t>(popped));
      head_ += run.size();
      popped += run.size();
    }
    if (popped != 0) {
      publish_head();
    }
    return popped;
  }

  // Whether no published item waits. Looks at the shared index, not at the copy, so it is the
  // recheck between Parker::announce_sleep and the sleep (parker.h has the argument).
  bool empty() { return size_guess() == 0; }

  // How many items wait; more may have come by now, but never fewer.
  std::size_t size_guess() {
    const RoleCheck::Scope scope(role_);
    refresh_tail();
    return readable_seen();
  }

 private:
  friend class SpscRing;

  explicit Consumer(SpscRing& ring)
      : ring_(&ring),
        slots_(ring.slots_.get()),
        mask_(ring.capacity_ - 1),
        group_mask_(std::clamp<std::size_t>(ring.capacity_ / 4, 1, release_group_max) - 1),
        // Relaxed: only the consumer writes head_, and this is the consumer.
        head_(ring.head_.load(std::memory_order_relaxed)),
        tail_seen_(head_),
        run_start_(head_) {
    ASSERT(!std::exchange(ring.consumer_taken_, true));
  }

  // A run of items this long tells a stream from messages that come one by one. Below the 20 or so
  // at which a fast consumer settles, or it would never wait.
  static constexpr Index stream_run = 8;
  // How long to leave a streaming producer alone: long enough for it to get ahead by some hundred
  // items, short against the 100 ns that a look costs it.
  static constexpr int stream_relaxes = 4;

  std::size_t readable_seen() const { return static_cast<std::size_t>(tail_seen_ - head_); }

  std::span<Slot> readable(std::size_t count) const {
    const std::size_t offset = static_cast<std::size_t>(head_ & mask_);
    const std::size_t to_end = capacity() - offset;
    return {slots_ + offset, std::min({count, readable_seen(), to_end})};
  }

  // Looks for items after all that were known are taken. Returns whether there are any.
  bool refill() {
    if (head_ - run_start_ >= stream_run) {
      for (int i = 0; i < stream_relaxes; ++i) {
        relax();
      }
    }
    run_start_ = head_;
    refresh_tail();
    return head_ != tail_seen_;
  }

  void refresh_tail() {
    // Acquire: pairs with the release in Producer::publish_tail. The items before it are readable.
    tail_seen_ =
        ring_->tail_.load(Atomics::order(SpscSite::refresh_tail, std::memory_order_acquire));
    DASSERT(readable_seen() <= capacity());
  }

  void publish_head() {
    // Release: pairs with the acquire in Producer::refresh_head. Our reads of the slots come before
    // the producer's next writes to them.
    ring_->head_.store(head_, Atomics::order(SpscSite::publish_head, std::memory_order_release));
  }

  [[no_unique_address]] RoleCheck role_;
  SpscRing* ring_;
  Slot* slots_;
  Index mask_;
  Index group_mask_;
  Index head_;       // Next index to read.
  Index tail_seen_;  // Copy of ring_->tail_, never ahead of it.
  Index run_start_;  // Where head_ was when tail_ was last looked at to pop.
};

}  // namespace ringpost::engine
