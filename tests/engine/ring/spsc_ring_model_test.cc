// SpscRing against std::deque: any sequence of calls on both handles gives what a bounded deque
// would. RapidCheck draws the sequences and shrinks one that fails; it prints the seed.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <span>
#include <vector>

#include "engine/ring/spsc_ring.h"

#include <rapidcheck.h>

namespace ringpost::engine {
namespace {

using Ring = SpscRing<std::uint64_t>;

enum class Call : std::uint8_t {
  push,
  stage,
  publish,
  push_batch,
  claim_commit,
  pop,
  pop_batch,
  peek_release,
  look,
  retake_producer,
  retake_consumer,
};
constexpr int calls = 11;

struct Step {
  Call call;
  std::size_t count;
};

// The ring, the deque, and the comparison after each step.
class Pair {
 public:
  explicit Pair(std::size_t capacity)
      : capacity_(capacity),
        group_(std::clamp<std::size_t>(capacity / 4, 1, Ring::release_group_max)),
        ring_(capacity) {
    producer_.push_back(ring_.producer());
    consumer_.push_back(ring_.consumer());
  }

  void run(const Step& step) {
    switch (step.call) {
      case Call::push:
        if (producer().try_push(next_)) {
          stage_one();
          publish();
        } else {
          check_full(1);
        }
        break;
      case Call::stage:
        if (producer().try_stage(next_)) {
          stage_one();
        } else {
          check_full(1);
        }
        break;
      case Call::publish:
        producer().publish();
        publish();
        break;
      case Call::push_batch:
        push_batch(step.count);
        break;
      case Call::claim_commit:
        claim_commit(step.count);
        break;
      case Call::pop:
        pop();
        break;
      case Call::pop_batch:
        pop_batch(step.count);
        break;
      case Call::peek_release:
        peek_release(step.count);
        break;
      case Call::look:
        RC_ASSERT(consumer().size_guess() == model_.size());
        RC_ASSERT(consumer().empty() == model_.empty());
        break;
      case Call::retake_producer:
        producer().publish();
        publish();
        producer_.clear();
        producer_.push_back(ring_.producer());
        break;
      case Call::retake_consumer:
        consumer_.clear();
        consumer_.push_back(ring_.consumer());
        withheld_max_ = 0;
        break;
    }
    RC_ASSERT(producer().staged() == staged_.size());
    RC_ASSERT(producer().free_guess() + used() <= capacity_);
  }

  ~Pair() {
    if (!producer_.empty()) {
      producer().publish();
    }
  }

 private:
  Ring::Producer& producer() { return producer_.back(); }
  Ring::Consumer& consumer() { return consumer_.back(); }
  std::size_t used() const { return model_.size() + staged_.size(); }

  void stage_one() {
    RC_ASSERT(used() < capacity_);
    staged_.push_back(next_++);
  }

  void publish() {
    model_.insert(model_.end(), staged_.begin(), staged_.end());
    staged_.clear();
  }

  // `count` items were refused: there is no room, but for what a group of pops may withhold.
  void check_full(std::size_t count) { RC_ASSERT(used() + count + withheld_max_ > capacity_); }

  void push_batch(std::size_t count) {
    std::vector<std::uint64_t> batch(count);
    for (std::size_t i = 0; i < count; ++i) {
      batch[i] = next_ + i;
    }
    const std::size_t pushed = producer().try_push_batch(batch);
    for (std::size_t i = 0; i < pushed; ++i) {
      stage_one();
    }
    if (pushed != 0) {
      publish();
    }
    if (pushed < count) {
      check_full(1);
    }
  }

  void claim_commit(std::size_t count) {
    const std::span<std::uint64_t> slots = producer().claim(count);
    RC_ASSERT(slots.size() <= count);
    if (slots.empty() && count != 0) {
      check_full(1);
    }
    for (std::size_t i = 0; i < slots.size(); ++i) {
      slots[i] = next_ + i;
    }
    const std::size_t committed = slots.size() - slots.size() / 3;
    for (std::size_t i = 0; i < committed; ++i) {
      stage_one();
    }
    producer().commit(committed);
    publish();
  }

  void expect_front(std::uint64_t item) {
    RC_ASSERT(!model_.empty());
    RC_ASSERT(item == model_.front());
    model_.pop_front();
  }

  void pop() {
    std::uint64_t item = UINT64_MAX;
    if (consumer().try_pop(item)) {
      expect_front(item);
      withheld_max_ = model_.empty() ? 0 : group_ - 1;
    } else {
      RC_ASSERT(model_.empty());
      RC_ASSERT(item == UINT64_MAX);
    }
  }

  void pop_batch(std::size_t count) {
    std::vector<std::uint64_t> items(count);
    const std::size_t popped = consumer().try_pop_batch(items);
    RC_ASSERT(popped == std::min(count, model_.size()));
    for (std::size_t i = 0; i < popped; ++i) {
      expect_front(items[i]);
    }
    if (popped != 0) {
      withheld_max_ = 0;
    }
  }

  void peek_release(std::size_t count) {
    const std::span<std::uint64_t> items = consumer().peek(count);
    RC_ASSERT(items.size() <= std::min(count, model_.size()));
    RC_ASSERT(items.empty() == (std::min(count, model_.size()) == 0));
    const std::vector<std::uint64_t> copy(items.begin(), items.end());
    consumer().release(items.size());
    withheld_max_ = 0;
    for (const std::uint64_t item : copy) {
      expect_front(item);
    }
  }

  const std::size_t capacity_;
  const std::size_t group_;
  Ring ring_;
  std::vector<Ring::Producer> producer_;  // One, or none for a moment.
  std::vector<Ring::Consumer> consumer_;
  std::deque<std::uint64_t> model_;    // What is published.
  std::vector<std::uint64_t> staged_;  // What is not.
  std::uint64_t next_ = 0;
  std::size_t withheld_max_ = 0;
};

TEST(SpscRingModel, BehavesLikeABoundedDeque) {
  setenv("RC_PARAMS", "max_success=2000", 0);  // Twenty times the default; the caller's wins.
  const bool holds = rc::check([](const std::vector<std::pair<std::uint8_t, std::uint8_t>>& drawn) {
    const std::size_t capacity = std::size_t{1} << *rc::gen::inRange(0, 9);
    Pair pair(capacity);
    for (const auto& [call, count] : drawn) {
      // Each drawn step is done a few times, so that runs get long enough to wrap.
      for (std::size_t again = 0; again <= count % 8u; ++again) {
        pair.run({static_cast<Call>(call % calls), count % (capacity + 2)});
      }
    }
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace ringpost::engine
