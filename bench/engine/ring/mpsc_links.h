#pragma once

// The contestants of the MPSC benchmarks behind the face of spsc_links.h; `sender` may be called by
// any number of threads. Room for 64 Ki items in all, whatever the number of producers.

#include <atomic_queue/atomic_queue.h>
#include <concurrentqueue/concurrentqueue.h>

#include <cstddef>
#include <cstdint>

#include "engine/ring/mpsc_ring.h"

namespace ringpost::bench {

inline constexpr std::size_t mpsc_capacity = 65'536;

class RingpostLanes {
  using Ring = engine::MpscRing<std::uint64_t>;

 public:
  static constexpr const char* name = "ringpost";
  struct Sender {
    Ring::Producer producer;
    bool try_push(std::uint64_t item) { return producer.try_push(item); }
    std::size_t push_some(const std::uint64_t* items, std::size_t count) {
      return producer.try_push_batch({items, count});
    }
  };
  struct Receiver {
    Ring::Consumer consumer;
    bool try_pop(std::uint64_t& item) { return consumer.try_pop(item); }
    std::size_t pop_some(std::uint64_t* items, std::size_t count) {
      return consumer.try_pop_batch({items, count});
    }
  };
  Sender sender() { return {*ring_.join()}; }
  Receiver receiver() { return {ring_.consumer()}; }

 private:
  Ring ring_{{.lanes = 4, .lane_capacity = mpsc_capacity / 4}};
};

// ConcurrentQueue with tokens, its fastest way, and with calls that do not allocate; so it is
// bounded as the others are. But a producer with a token never gives blocks back, and one that has
// taken all leaves the other none: one that was refused a thousand times in a row may allocate.
class ConcurrentTokenLink {
  using Queue = moodycamel::ConcurrentQueue<std::uint64_t>;

 public:
  static constexpr const char* name = "ConcurrentQueue tokens";
  struct Sender {
    Queue& queue;
    moodycamel::ProducerToken token;
    int refused = 0;
    bool try_push(std::uint64_t item) {
      return keep(queue.try_enqueue(token, item)) || (starved() && queue.enqueue(token, item));
    }
    std::size_t push_some(const std::uint64_t* items, std::size_t count) {
      return keep(queue.try_enqueue_bulk(token, items, count)) ||
                     (starved() && queue.enqueue_bulk(token, items, count))
                 ? count
                 : 0;
    }
    bool keep(bool pushed) {
      refused = pushed ? 0 : refused + 1;
      return pushed;
    }
    bool starved() const { return refused > 1000; }
  };
  struct Receiver {
    Queue& queue;
    moodycamel::ConsumerToken token;
    bool try_pop(std::uint64_t& item) { return queue.try_dequeue(token, item); }
    std::size_t pop_some(std::uint64_t* items, std::size_t count) {
      return queue.try_dequeue_bulk(token, items, count);
    }
  };
  Sender sender() { return {queue_, moodycamel::ProducerToken(queue_)}; }
  Receiver receiver() { return {queue_, moodycamel::ConsumerToken(queue_)}; }

 private:
  Queue queue_{mpsc_capacity, 4, 0};
};

// By default a producer without a token has an index of 1024 items and grows it by allocating,
// which try_enqueue must not.
struct RoomyTraits : moodycamel::ConcurrentQueueDefaultTraits {
  static const std::size_t IMPLICIT_INITIAL_INDEX_SIZE = mpsc_capacity / BLOCK_SIZE;
};

// ConcurrentQueue as the shard's inbox uses it: threads that nobody knows, so without tokens.
class ConcurrentLink {
  using Queue = moodycamel::ConcurrentQueue<std::uint64_t, RoomyTraits>;

 public:
  static constexpr const char* name = "ConcurrentQueue";
  struct End {
    Queue& queue;
    bool try_push(std::uint64_t item) { return queue.try_enqueue(item); }
    bool try_pop(std::uint64_t& item) { return queue.try_dequeue(item); }
    std::size_t push_some(const std::uint64_t* items, std::size_t count) {
      return queue.try_enqueue_bulk(items, count) ? count : 0;
    }
    std::size_t pop_some(std::uint64_t* items, std::size_t count) {
      return queue.try_dequeue_bulk(items, count);
    }
  };
  End sender() { return {queue_}; }
  End receiver() { return {queue_}; }

 private:
  Queue queue_{mpsc_capacity, 0, 4};
};

// A producer that is stopped between claim and store for a whole lap finds its slot taken by one of
// the next lap, so with two producers on one CPU items change places. Here the
// benchmark only checks that each item comes once.
template <bool waiting>
class AtomicManyLink {
  using Queue = atomic_queue::AtomicQueue<std::uint64_t, mpsc_capacity>;

 public:
  static constexpr bool keeps_order = false;
  static constexpr const char* name = waiting ? "atomic_queue wait" : "atomic_queue try";
  struct End {
    Queue& queue;
    bool try_push(std::uint64_t item) {
      if constexpr (waiting) {
        queue.push(item);
        return true;
      } else {
        return queue.try_push(item);
      }
    }
    bool try_pop(std::uint64_t& item) {
      if constexpr (waiting) {
        item = queue.pop();
        return true;
      } else {
        return queue.try_pop(item);
      }
    }
  };
  End sender() { return {queue_}; }
  End receiver() { return {queue_}; }

 private:
  Queue queue_;
};

}  // namespace ringpost::bench
