#pragma once

// MpscRing<T>: a bounded queue from any thread to one, without locks. A thread that wants to send
// joins and gets a lane of its own, an SpscRing; the consumer sweeps the lanes. So producers never
// touch a line that another producer writes, and each keeps the speed of the SPSC ring.
//
//   MpscRing<Event> ring({.lanes = 8, .lane_capacity = 256});
//   auto producer = ring.join();        // on any thread; empty when all lanes are taken
//   auto consumer = ring.consumer();    // on the one thread that receives
//
// A producer that is stopped between claim and publish (by the scheduler, or by a debugger for a
// day) holds up nobody: what it has claimed lies in its own lane and is invisible, the others push
// and the consumer takes from their lanes as before, until they are full or for ever. What it
// published before arrives, what it publishes after follows in order, nothing is lost. One shared
// array, in which producers claim by an atomic addition, was rejected for exactly this: there the
// consumer has to wait at the unpublished slot while all the others fill up the ring behind it, and
// every push moves the shared index between the cores (the figures are in bench/engine/ring).
//
// What is given up for it: order holds within a producer handle, not between handles (as with the
// tokens of moodycamel's ConcurrentQueue), and no more threads can send at a time than there are
// lanes. A lane is bounded, so "full" means that this producer's lane is full.
//
// Roles. A lane is owned by the producer that joined it until the handle dies; then by whoever
// joins next, who goes on behind the items that are still in it. The consumer is one for all lanes.
//
// Invariants.
//   1. Each lane has at most one producer, and its ring the invariants of SpscRing.
//   2. `taken` of a lane is true exactly while a handle on it lives.
//   3. The run in hand is a prefix of what waits in its lane, at most 64 items and at most a
//   quarter
//      of the lane; its slots go back when its last item is taken.
//
// Publication. Items: as in SpscRing. A lane: the release store of `taken` in ~Producer pairs with
// the acquire exchange in `join` and makes the state of the lane visible to the next owner.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/constants.h"
#include "engine/ring/atomic.h"
#include "engine/ring/spsc_ring.h"

namespace ringpost::engine {

// The memory orders of joining and leaving, by name (see atomic.h).
enum class MpscSite : std::uint8_t { join, leave };

struct MpscRingOptions {
  std::size_t lanes = 8;            // Producers at a time, 1 to 64.
  std::size_t lane_capacity = 256;  // Items per producer; a power of two.
};

template <typename T, typename Atomics = StdAtomics>
class MpscRing {
  using LaneRing = SpscRing<T, Atomics>;

 public:
  using Slot = typename LaneRing::Slot;
  class Producer;
  class Consumer;

  // The sweep over empty lanes costs a load each, which is what bounds their number.
  static constexpr std::size_t lanes_max = 64;

  explicit MpscRing(const MpscRingOptions& options) {
    ASSERT(options.lanes >= 1);
    ASSERT(options.lanes <= lanes_max);
    for (std::size_t i = 0; i < options.lanes; ++i) {
      lanes_.emplace_back(options.lane_capacity);
    }
  }
  MpscRing(const MpscRing&) = delete;
  MpscRing& operator=(const MpscRing&) = delete;

  // Takes a free lane; empty when there is none. Called on: any thread.
  [[nodiscard]] std::optional<Producer> join() {
    for (Lane& lane : lanes_) {
      // Acquire: pairs with the release in Lease::~Lease. The lane is as its last owner left it.
      if (!lane.taken.exchange(true, Atomics::order(MpscSite::join, std::memory_order_acquire))) {
        return Producer(lane);
      }
    }
    return std::nullopt;
  }

  // The one consumer; ASSERTs that there is no other.
  Consumer consumer() { return Consumer(*this); }

  std::size_t lanes() const { return lanes_.size(); }

 private:
  struct Lane {
    explicit Lane(std::size_t capacity) : ring(capacity) {}
    LaneRing ring;
    typename Atomics::template Atomic<bool> taken{false};
  };

  // Gives a lane back when it dies.
  class Lease {
   public:
    explicit Lease(Lane& lane) : lane_(&lane) {}
    Lease(Lease&& other) noexcept : lane_(std::exchange(other.lane_, nullptr)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (lane_ != nullptr) {
        // Release: pairs with the acquire in `join`.
        lane_->taken.store(false, Atomics::order(MpscSite::leave, std::memory_order_release));
      }
    }

   private:
    Lane* lane_;
  };

  std::deque<Lane> lanes_;  // A deque, because a lane never moves.
};

// The sending end of one lane; the calls are those of SpscRing::Producer.
template <typename T, typename Atomics>
class MpscRing<T, Atomics>::Producer {
 public:
  [[nodiscard]] bool try_push(const T& item) { return producer_.try_push(item); }
  [[nodiscard]] std::size_t try_push_batch(std::span<const T> items) {
    return producer_.try_push_batch(items);
  }
  [[nodiscard]] bool try_stage(const T& item) { return producer_.try_stage(item); }
  void publish() { producer_.publish(); }
  [[nodiscard]] std::span<Slot> claim(std::size_t count) { return producer_.claim(count); }
  void commit(std::size_t count) { producer_.commit(count); }
  std::size_t capacity() const { return producer_.capacity(); }

 private:
  friend class MpscRing;

  explicit Producer(Lane& lane) : lease_(lane), producer_(lane.ring.producer()) {}

  Lease lease_;  // Before producer_, so that it dies after it.
  typename LaneRing::Producer producer_;
};

template <typename T, typename Atomics>
class MpscRing<T, Atomics>::Consumer {
 public:
  Consumer(Consumer&& other) noexcept
      : lanes_(std::move(other.lanes_)),
        lane_(other.lane_),
        run_max_(other.run_max_),
        next_(std::exchange(other.next_, nullptr)),
        run_end_(std::exchange(other.run_end_, nullptr)),
        run_start_(std::exchange(other.run_start_, nullptr)) {}
  Consumer& operator=(Consumer&&) = delete;
  ~Consumer() { release_run(); }

  // Takes the next item, lane by lane in turn with at most 64 from each. Returns false when no lane
  // has any.
  [[nodiscard]] bool try_pop(T& item) {
    if (next_ == run_end_ && !next_run()) {
      return false;
    }
    item = *next_++;
    if (next_ == run_end_) {
      release_run();
    }
    return true;
  }

  // Takes up to items.size() items. Returns how many; fewer than asked for only if, at some moment,
  // all lanes were empty.
  [[nodiscard]] std::size_t try_pop_batch(std::span<T> items) {
    std::size_t popped = 0;
    while (popped < items.size() && (next_ != run_end_ || next_run())) {
      const std::size_t count =
          std::min(items.size() - popped, static_cast<std::size_t>(run_end_ - next_));
      std::copy_n(next_, count, items.begin() + static_cast<std::ptrdiff_t>(popped));
      next_ += count;
      popped += count;
      if (next_ == run_end_) {
        release_run();
      }
    }
    return popped;
  }

  // Whether no published item waits in any lane. Looks at the shared indices, so it is the recheck
  // between Parker::announce_sleep and the sleep.
  bool empty() {
    return next_ == run_end_ &&
           std::all_of(lanes_.begin(), lanes_.end(), [](auto& lane) { return lane.empty(); });
  }

 private:
  friend class MpscRing;

  explicit Consumer(MpscRing& ring) {
    lanes_.reserve(ring.lanes_.size());
    for (Lane& lane : ring.lanes_) {
      lanes_.push_back(lane.ring.consumer());
    }
    run_max_ =
        std::clamp<std::size_t>(lanes_.front().capacity() / 4, 1, LaneRing::release_group_max);
  }

  // Finds the next lane that has items and takes a run of them in hand. Requires: none in hand.
  bool next_run() {
    DASSERT(run_start_ == run_end_);
    for (std::size_t looked = 0; looked < lanes_.size(); ++looked) {
      lane_ = lane_ + 1 == lanes_.size() ? 0 : lane_ + 1;
      const std::span<Slot> run = lanes_[lane_].peek_paced(run_max_);
      if (!run.empty()) {
        run_start_ = next_ = run.data();
        run_end_ = next_ + run.size();
        return true;
      }
    }
    return false;
  }

  // Gives the slots of what was taken from the run in hand back to its lane.
  void release_run() {
    if (next_ != run_start_) {
      lanes_[lane_].release(static_cast<std::size_t>(next_ - run_start_));
    }
    next_ = run_end_ = run_start_ = nullptr;
  }

  std::vector<typename LaneRing::Consumer> lanes_;
  std::size_t lane_ = 0;     // The lane of the run in hand.
  std::size_t run_max_ = 0;  // Invariant 3.
  Slot* next_ = nullptr;     // The run in hand is [next_, run_end_).
  Slot* run_end_ = nullptr;
  Slot* run_start_ = nullptr;
};

}  // namespace ringpost::engine
