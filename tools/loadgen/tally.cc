#include "tools/loadgen/tally.h"

#include <algorithm>

namespace ringpost::loadgen {

namespace {

void add_counts(Second& sum, const Slice& interval) {
  sum.requests += interval.requests;
  sum.replies += interval.replies;
  sum.bytes_sent += interval.bytes_sent;
  sum.bytes_received += interval.bytes_received;
  sum.errors += interval.failed;
  sum.mismatches += interval.mismatches;
  sum.late += interval.late;
  sum.dropped += interval.dropped;
}

void merge(std::optional<Histogram>& sum, const std::optional<Histogram>& more) {
  if (!more) return;
  if (!sum) sum.emplace();
  sum->merge(*more);
}

}  // namespace

void Tally::add(std::unique_ptr<Slice> interval) {
  if (interval->part == Slice::Part::measured) {
    Use& use = uses_[interval->shard];
    if (use.measured == 0) began_ = std::min(began_, interval->begin);
    use.measured += interval->end - interval->begin;
    use.busy += interval->busy;
    use.sums.run_delay += interval->run_delay;
    use.sums.sent += interval->requests;
    use.sums.sends += interval->sends;
    use.sums.receives += interval->receives;
    if (interval->send_delay) {
      use.sums.lag_max = std::max(use.sums.lag_max, interval->send_delay->max());
    }
    add_counts(sums_, *interval);
  }
  if (interval->part != Slice::Part::warmup) {
    answered_ += interval->answered;
    statuses_.merge(interval->statuses);
    merge(service_time_, interval->service_time);
    merge(send_delay_, interval->send_delay);
    merge(connect_time_, interval->connect_time);
  }
  Row& row = open_[interval->index];
  ++row.parts;
  row.latency.merge(interval->latency);
  if (interval->part != Slice::Part::tail) add_to(row, *interval);
  while (!open_.empty() && open_.begin()->second.parts == shards_) {
    close_row(open_.begin()->second);
    open_.erase(open_.begin());
  }
}

// Shards that share a number of requests end at times of their own: behind the end of one, the row
// is that of the others.
void Tally::add_to(Row& row, const Slice& interval) {
  if (row.part == Slice::Part::tail) {
    row.part = interval.part;
    row.sums.start = interval.begin - start_;
    row.sums.length = 0;
    row.sums.warmup = interval.part == Slice::Part::warmup;
  }
  const Nanos length = interval.end - interval.begin;
  row.sums.length = std::max(row.sums.length, length);
  row.elapsed += length;
  row.busy += interval.busy;
  row.sums.connections += interval.connections;
  add_counts(row.sums, interval);
}

void Tally::close_row(Row& row) {
  if (row.part != Slice::Part::warmup) latency_.merge(row.latency);
  if (row.part == Slice::Part::tail) return;
  row.sums.set_latency(row.latency);
  if (row.elapsed > 0) {
    row.sums.cpu_share = static_cast<double>(row.busy) / static_cast<double>(row.elapsed);
  }
  rows_.push_back(row.sums);
}

std::vector<Second> Tally::take_rows() {
  const auto first = rows_.begin() + static_cast<std::ptrdiff_t>(rows_taken_);
  rows_taken_ = rows_.size();
  return {first, rows_.end()};
}

void Tally::finish(RunResult& result) {
  for (auto& [index, row] : open_) close_row(row);
  open_.clear();
  result.seconds = std::move(rows_);
  for (Use& use : uses_) {
    result.elapsed = std::max(result.elapsed, use.measured);
    if (use.measured > 0) {
      use.sums.busy_share = static_cast<double>(use.busy) / static_cast<double>(use.measured);
    }
    result.threads.push_back(use.sums);
  }
  if (result.elapsed > 0) result.began = began_;
  result.requests = sums_.requests;
  result.replies = sums_.replies;
  result.answered = answered_;
  result.bytes_sent = sums_.bytes_sent;
  result.bytes_received = sums_.bytes_received;
  result.late = sums_.late;
  result.dropped = sums_.dropped;
  result.statuses = statuses_;
  result.latency = std::move(latency_);
  result.service_time = std::move(service_time_);
  result.send_delay = std::move(send_delay_);
  result.connect_time = std::move(connect_time_);
}

}  // namespace ringpost::loadgen
