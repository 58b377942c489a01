#pragma once

// SimSchedule: what will happen when, apart from the shards: arrivals of segments and wakes, steps
// of clients. Events of one instant run in the order in which they were put in.

#include <cstdint>
#include <queue>
#include <vector>

#include "engine/base/prng.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_faults.h"
#include "tests/sim/sim_trace.h"

namespace ringpost::sim {

// Somebody to whom things happen. Outlives the schedule's events.
class SimTarget {
 public:
  virtual void on_event(std::uint32_t what, std::uint64_t argument) = 0;

 protected:
  ~SimTarget() = default;
};

class SimSchedule {
 public:
  void at(engine::Nanos time, SimTarget& target, std::uint32_t what, std::uint64_t argument) {
    events_.push({time, next_sequence_++, &target, argument, what});
  }

  bool empty() const { return events_.empty(); }
  std::size_t size() const { return events_.size(); }
  engine::Nanos next_time() const { return events_.empty() ? engine::never : events_.top().time; }

  // Requires: not empty, and its time has come.
  void run_next() {
    const Event event = events_.top();
    events_.pop();
    event.target->on_event(event.what, event.argument);
  }

 private:
  struct Event {
    engine::Nanos time;
    std::uint64_t sequence;
    SimTarget* target;
    std::uint64_t argument;
    std::uint32_t what;

    bool operator<(const Event& other) const {  // the queue's top is the greatest
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
  };

  std::priority_queue<Event> events_;
  std::uint64_t next_sequence_ = 0;
};

// What all parts of one simulated world share.
struct SimContext {
  explicit SimContext(std::uint64_t seed, const SimFaults& with) : prng(seed), faults(with) {}
  SimContext(const SimContext&) = delete;
  SimContext& operator=(const SimContext&) = delete;

  SimClock clock;
  SimSchedule schedule;
  engine::Prng prng;
  SimFaults faults;
  SimTrace trace;
  bool is_healed = false;

  // How much of something goes at once: 1 .. max, small and large values alike; in a healed world,
  // which has to get things done, always max.
  std::uint64_t draw_size(std::uint64_t max) {
    if (is_healed) return max;
    const std::uint64_t cap = prng.one_in(4) ? 1 + prng.below(16) : max;
    return 1 + prng.below(cap < max ? cap : max);
  }
  engine::Nanos draw_nanos(std::uint64_t max_us) {
    return static_cast<engine::Nanos>(
        1 + prng.below(max_us * static_cast<std::uint64_t>(engine::nanos_per_us)));
  }
};

}  // namespace ringpost::sim
