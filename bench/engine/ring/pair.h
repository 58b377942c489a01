#pragma once

// Pinned threads that start together: what every benchmark of a ring runs in.

#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "engine/base/assert.h"
#include "engine/ring/relax.h"

namespace ringpost::bench {

// The CPUs this process may use, in ascending order. Called before anybody is pinned.
inline std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  ASSERT(sched_getaffinity(0, sizeof(set), &set) == 0);
  std::vector<int> cpus;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) {
      cpus.push_back(static_cast<int>(cpu));
    }
  }
  return cpus;
}

inline void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  ASSERT(sched_setaffinity(0, sizeof(set), &set) == 0);
}

// The CPU of the receiving thread, and the one that all senders share. On a machine with one CPU
// they are the same, and the figures mean nothing.
struct Placement {
  int receiver;
  int sender;
};

inline const Placement& placement() {
  static const Placement chosen = [] {
    const std::vector<int> cpus = allowed_cpus();
    return Placement{cpus.back(), cpus.front()};
  }();
  return chosen;
}

// How often the scheduler has taken the CPU away from the calling thread.
inline long preemptions_so_far() {
  rusage usage{};
  ASSERT(getrusage(RUSAGE_THREAD, &usage) == 0);
  return usage.ru_nivcsw;
}

struct Timing {
  double seconds;    // Until the receiver was done.
  long preemptions;  // Of any of the threads in that time: somebody else uses these CPUs.
};

// Runs `receive` and each of `senders` on a thread of its own from a common start.
//
// The callables are copied to their threads and should hold what they need by value, and keep their
// results in locals until the end: two threads that meet on one line of somebody's stack by
// accident cost a ring half its speed, in some runs and not in others.
template <typename Receive, typename... Senders>
Timing run_together(Receive receive, Senders... senders) {
  constexpr int senders_count = static_cast<int>(sizeof...(Senders));
  struct alignas(128) Start {
    std::atomic<int> ready{0};
    alignas(128) std::atomic<bool> go{false};
    alignas(128) std::atomic<long> preemptions{0};
  } start;
  double seconds = 0;

  std::vector<std::thread> threads;
  const auto launch = [&](auto send) {
    threads.emplace_back([&start, send]() mutable {
      pin_to(placement().sender);
      start.ready.fetch_add(1, std::memory_order_release);
      while (!start.go.load(std::memory_order_acquire)) {
        std::this_thread::yield();  // The senders share a CPU.
      }
      const long before = preemptions_so_far();
      send();
      start.preemptions.fetch_add(preemptions_so_far() - before, std::memory_order_relaxed);
    });
  };
  (launch(senders), ...);
  threads.emplace_back([&start, &seconds, receive]() mutable {
    pin_to(placement().receiver);
    while (start.ready.load(std::memory_order_acquire) < senders_count) {
      std::this_thread::yield();
    }
    const long before = preemptions_so_far();
    const auto begin = std::chrono::steady_clock::now();
    start.go.store(true, std::memory_order_release);
    receive();
    const auto end = std::chrono::steady_clock::now();
    start.preemptions.fetch_add(preemptions_so_far() - before, std::memory_order_relaxed);
    seconds = std::chrono::duration<double>(end - begin).count();
  });
  for (std::thread& thread : threads) {
    thread.join();
  }
  return {seconds, start.preemptions.load(std::memory_order_relaxed)};
}

// What an end does when its queue is full or empty. Contestants differ in which they like, so each
// is measured with both of the first two and counts by its better one.
struct Busy {
  static constexpr const char* name = "busy";
  static void wait() {}
};
struct Pause {
  static constexpr const char* name = "pause";
  static void wait() { engine::relax(); }
};
// For senders that share a CPU: a full queue is a reason to let the other one run.
struct Yield {
  static constexpr const char* name = "yield";
  static void wait() { std::this_thread::yield(); }
};

}  // namespace ringpost::bench
