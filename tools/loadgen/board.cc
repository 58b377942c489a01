#include "tools/loadgen/board.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"

namespace ringpost::loadgen {

Board::Board() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { ASSERT(event_ >= 0); }

Board::~Board() { ::close(event_); }

template <typename Change>
void Board::post(Change&& change) {
  {
    const std::lock_guard lock(mutex_);
    change(news_);
  }
  (void)::eventfd_write(event_, 1);
}

void Board::shard_ready() {
  post([](News& news) { ++news.shards_ready; });
}

void Board::shard_idle() {
  post([](News& news) { ++news.shards_idle; });
}

void Board::shard_done() {
  post([](News& news) { ++news.shards_done; });
}

void Board::interval(std::unique_ptr<Slice> interval) {
  post([&](News& news) { news.intervals.push_back(std::move(interval)); });
}

void Board::mismatch(Mismatch mismatch) {
  post([&](News& news) {
    ++news.mismatch_count;
    if (mismatches_kept_ == mismatches_max) return;
    ++mismatches_kept_;
    news.mismatches.push_back(std::move(mismatch));
  });
}

void Board::error(std::string kind, std::string example, std::uint64_t count) {
  post([&](News& news) {
    const auto known = std::ranges::find(news.errors, kind, &ErrorCount::kind);
    if (known != news.errors.end()) {
      known->count += count;
    } else {
      news.errors.push_back({std::move(kind), count, std::move(example)});
    }
  });
}

void Board::unreachable(std::string why) {
  post([&](News& news) { news.unreachable.push_back(std::move(why)); });
}

void Board::connects(std::uint64_t established, std::uint64_t failed) {
  post([&](News& news) {
    news.connects += established;
    news.connects_failed += failed;
  });
}

News Board::take() {
  std::uint64_t count = 0;
  (void)::eventfd_read(event_, &count);
  const std::lock_guard lock(mutex_);
  return std::exchange(news_, {});
}

}  // namespace ringpost::loadgen
