#pragma once

// The ring's atomics made of Relacy's simulated ones, and what a proof needs around them.
//
// Relacy runs the threads of a test as fibers and lets every load return any value that the C++11
// memory model allows, in every interleaving (full search) or in many (random). It reports data
// races on plain variables, failed assertions, deadlocks and live-locks.
//
// Each order of a ring has a name (engine/ring/atomic.h). `weaken` relaxes one of them, and the
// tests demand that Relacy then reports a bug.
//
// Include this last: Relacy defines macros with the names of pthread and of the memory orders.

#include <atomic>
#include <cstdint>
#include <iostream>
#include <ostream>
#include <typeindex>

#include "engine/base/assert.h"

// GCC takes the fiber switches of Relacy's headers for a few harmless things.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <relacy/relacy.hpp>
#pragma GCC diagnostic pop

#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst

namespace ringpost::engine {

// The one order that is weakened at the moment, or an operation that is replaced by a lesser one.
struct Mutation {
  std::type_index site_type = typeid(void);
  int site = -1;
  bool exchange_as_store = false;  // Instead of relaxing the order of the site.

  bool hits(std::type_index type, int value) const { return type == site_type && value == site; }
};

inline Mutation mutation;
inline bool next_exchange_is_store = false;

template <typename Site>
Mutation weaken(Site site) {
  return {typeid(Site), static_cast<int>(site), false};
}

// A store of the new value after a load of the old one, where the ring makes one step of it.
template <typename Site>
Mutation split_exchange(Site site) {
  return {typeid(Site), static_cast<int>(site), true};
}

inline rl::memory_order to_relacy(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return rl::mo_relaxed;
    case std::memory_order_consume:
      return rl::mo_consume;
    case std::memory_order_acquire:
      return rl::mo_acquire;
    case std::memory_order_release:
      return rl::mo_release;
    case std::memory_order_acq_rel:
      return rl::mo_acq_rel;
    case std::memory_order_seq_cst:
      return rl::mo_seq_cst;
  }
  return rl::mo_seq_cst;
}

struct RelacyAtomics {
  template <typename T>
  class Atomic {
   public:
    explicit Atomic(T value) : value_(static_cast<Word>(value)) {}

    T load(std::memory_order order) const { return to_value(value_.load(to_relacy(order), $)); }
    void store(T value, std::memory_order order) {
      value_.store(static_cast<Word>(value), to_relacy(order), $);
    }
    T exchange(T value, std::memory_order order) {
      if (next_exchange_is_store) {
        next_exchange_is_store = false;
        const T before = load(std::memory_order_relaxed);
        store(value, std::memory_order_relaxed);
        return before;
      }
      return to_value(value_.exchange(static_cast<Word>(value), to_relacy(order), $));
    }

   private:
    using Word = std::uint64_t;
    static T to_value(Word word) { return static_cast<T>(word); }

    rl::atomic<Word> value_;
  };

  template <typename T>
  class Plain {
   public:
    Plain() = default;
    Plain& operator=(const T& value) {
      value_($) = value;
      return *this;
    }
    operator T() const { return value_($).load(); }  // NOLINT(google-explicit-constructor)

   private:
    rl::var<T> value_;
  };

  template <typename Site>
  static std::memory_order order(Site site, std::memory_order order) {
    if (!mutation.hits(typeid(Site), static_cast<int>(site))) {
      return order;
    }
    if (mutation.exchange_as_store) {
      next_exchange_is_store = true;
      return order;
    }
    return std::memory_order_relaxed;
  }
};

// Runs the threads of `Suite` and returns what Relacy found: by full search, or by as many random
// schedules as asked for.
template <typename Suite>
rl::test_result_e simulate(const Mutation& with, std::uint64_t random_iterations = 0) {
  std::ostream silent(nullptr);  // A stream with a buffer would allocate from Relacy's heap.
  rl::test_params params;
  params.output_stream = &silent;
  params.progress_stream = &silent;
  params.search_type =
      random_iterations == 0 ? rl::fair_full_search_scheduler_type : rl::random_scheduler_type;
  params.iteration_count = random_iterations;
  mutation = with;
  next_exchange_is_store = false;
  rl::simulate<Suite>(params);
  mutation = {};
  std::cout << "  " << params.stop_iteration << " executions, "
            << rl::test_result_str(params.test_result) << std::endl;
  return params.test_result;
}

}  // namespace ringpost::engine
