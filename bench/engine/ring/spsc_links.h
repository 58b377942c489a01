#pragma once

// The contestants of the SPSC benchmarks behind one face. A link has two ends; an end is made on
// the thread that uses it, so that ours keeps its state in registers as it would in a program.
//
//   sender:   bool try_push(Item)   size_t push_some(const Item*, size_t)   (if it has batches)
//   receiver: bool try_pop(Item&)   size_t pop_some(Item*, size_t)
//
// Items are never 0, which atomic_queue takes for "empty".

#include <atomic_queue/atomic_queue.h>
#include <readerwriterqueue/readerwriterqueue.h>

#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <cstdint>

#include "engine/ring/spsc_ring.h"

namespace ringpost::bench {

template <typename Item, std::size_t capacity_of>
class RingpostLink {
  using Ring = engine::SpscRing<Item>;

 public:
  static constexpr const char* name = "ringpost";
  static constexpr std::size_t capacity = capacity_of;
  struct Sender {
    typename Ring::Producer producer;
    bool try_push(const Item& item) { return producer.try_push(item); }
    std::size_t push_some(const Item* items, std::size_t count) {
      return producer.try_push_batch({items, count});
    }
  };
  struct Receiver {
    typename Ring::Consumer consumer;
    bool try_pop(Item& item) { return consumer.try_pop(item); }
    std::size_t pop_some(Item* items, std::size_t count) {
      return consumer.try_pop_batch({items, count});
    }
  };
  Sender sender() { return {ring_.producer()}; }
  Receiver receiver() { return {ring_.consumer()}; }

 private:
  Ring ring_{capacity_of};
};

template <typename Item, std::size_t capacity_of>
class BoostLink {
  using Queue = boost::lockfree::spsc_queue<Item, boost::lockfree::capacity<capacity_of>>;

 public:
  static constexpr const char* name = "boost spsc_queue";
  static constexpr std::size_t capacity = capacity_of;
  struct End {
    Queue& queue;
    bool try_push(const Item& item) { return queue.push(item); }
    bool try_pop(Item& item) { return queue.pop(item); }
    std::size_t push_some(const Item* items, std::size_t count) { return queue.push(items, count); }
    std::size_t pop_some(Item* items, std::size_t count) { return queue.pop(items, count); }
  };
  End sender() { return {queue_}; }
  End receiver() { return {queue_}; }

 private:
  Queue queue_;
};

template <typename Item, std::size_t capacity_of>
class ReaderWriterLink {
  using Queue = moodycamel::ReaderWriterQueue<Item>;

 public:
  static constexpr const char* name = "ReaderWriterQueue";
  static constexpr std::size_t capacity = capacity_of;
  struct End {
    Queue& queue;
    bool try_push(const Item& item) { return queue.try_enqueue(item); }
    bool try_pop(Item& item) { return queue.try_dequeue(item); }
  };
  End sender() { return {queue_}; }
  End receiver() { return {queue_}; }

 private:
  Queue queue_{capacity_of};
};

// atomic_queue in its single-producer single-consumer mode, by the calls that may fail.
template <typename Item, std::size_t capacity_of>
class AtomicTryLink {
  using Queue = atomic_queue::AtomicQueue<Item, capacity_of, 0, true, true, false, true>;

 public:
  static constexpr const char* name = "atomic_queue try";
  static constexpr std::size_t capacity = capacity_of;
  struct End {
    Queue& queue;
    bool try_push(const Item& item) { return queue.try_push(item); }
    bool try_pop(Item& item) { return queue.try_pop(item); }
  };
  End sender() { return {queue_}; }
  End receiver() { return {queue_}; }

 private:
  Queue queue_;
};

// The same by the calls that wait inside ("optimist"): they cannot say "full" or "empty", so no
// event loop could use them, but they are the fastest it has.
template <typename Item, std::size_t capacity_of>
class AtomicWaitLink {
  using Queue = atomic_queue::AtomicQueue<Item, capacity_of, 0, true, false, false, true>;

 public:
  static constexpr const char* name = "atomic_queue wait";
  static constexpr std::size_t capacity = capacity_of;
  struct End {
    Queue& queue;
    bool try_push(const Item& item) {
      queue.push(item);
      return true;
    }
    bool try_pop(Item& item) {
      item = queue.pop();
      return true;
    }
  };
  End sender() { return {queue_}; }
  End receiver() { return {queue_}; }

 private:
  Queue queue_;
};

}  // namespace ringpost::bench
