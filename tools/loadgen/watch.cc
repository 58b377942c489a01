#include "tools/loadgen/watch.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "tools/loadgen/exit_code.h"
#include "tools/loadgen/generator.h"

namespace ringpost::loadgen {

namespace {

std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

Watch::Watch(const Plan& plan, engine::ShardGroupOptions group, Progress& progress, int signals)
    : plan_(plan), progress_(progress), signals_(signals), group_(std::move(group)) {}

bool Watch::run(RunResult& result) {
  const auto wire = [this](engine::Shard& shard) {
    shard.spawn_at(Generator::slot, std::make_unique<Generator>(shard, plan_, board_));
  };
  if (auto why = group_.start(wire)) {
    fail(exit_environment, *why);
    return false;
  }
  result.started_unix_ms = unix_ms();
  tell_all(kind_connect);
  while (!group_.ended()) {
    pollfd sources[] = {
        {signals_, POLLIN, 0}, {board_.event(), POLLIN, 0}, {group_.event(), POLLIN, 0}};
    if (poll(sources, std::size(sources), -1) < 0 && errno != EINTR) break;
    if ((sources[0].revents & POLLIN) != 0) take_signals();
    if ((sources[1].revents & POLLIN) != 0) take_news(result);
    (void)group_.take_reports();  // empties the event
  }
  group_.join();
  take_news(result);
  progress_.end();
  result.interrupted = interrupts_ == 1;
  if (!failure_.empty()) return false;
  if (tally_) tally_->finish(result);
  return true;
}

void Watch::tell_all(std::uint16_t kind, Nanos body) {
  for (std::uint32_t shard = 0; shard < group_.shard_count(); ++shard) {
    engine::Message message{};
    message.to = Generator::ref_of(shard);
    message.kind = kind;
    message.put(body);
    group_.post(message);
  }
}

// The first one ends the run in order, the second at once.
void Watch::take_signals() {
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof info) == sizeof info) {
    ++interrupts_;
    if (interrupts_ > 1 || !tally_) {
      fail(exit_interrupted, "interrupted");
    } else {
      tell_all(kind_stop);
    }
  }
}

void Watch::take_news(RunResult& result) {
  News news = board_.take();
  if (!news.unreachable.empty()) fail(exit_unreachable, news.unreachable.front());
  shards_ready_ += news.shards_ready;
  shards_idle_ += news.shards_idle;
  shards_done_ += news.shards_done;
  if (shards_ready_ == group_.shard_count() && !tally_ && failure_.empty()) on_all_ready();
  for (auto& interval : news.intervals) {
    if (tally_) tally_->add(std::move(interval));
  }
  result.connects += news.connects;
  result.connects_failed += news.connects_failed;
  result.mismatch_count += news.mismatch_count;
  std::ranges::move(news.mismatches, std::back_inserter(result.mismatches));
  result.add_errors(std::move(news.errors));
  if (tally_) {
    for (const Second& row : tally_->take_rows()) progress_.row(row);
  }
  if (!failure_.empty()) return;  // the shards end at once, or have
  if (news.shards_idle != 0 && shards_idle_ == plan_.speaking_shards()) {
    tell_all(kind_stop);  // those that only listen
    tell_all(kind_finish);
  }
  if (news.shards_done != 0 && shards_done_ == group_.shard_count()) group_.drain();
}

void Watch::on_all_ready() {
  const Nanos start = clock_.now();
  tally_.emplace(group_.shard_count(), start);
  progress_.begin(plan_.warmup, plan_.duration);
  tell_all(kind_start, start);
}

void Watch::fail(int exit_code, std::string why) {
  if (!failure_.empty()) return;
  failure_ = std::move(why);
  exit_code_ = exit_code;
  group_.drain_at_once();
}

}  // namespace ringpost::loadgen
