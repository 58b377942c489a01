#include "tools/loadgen/tally.h"

#include <algorithm>

namespace ringpost::loadgen {

namespace {

void add_counts(Second& sum, const Interval& interval) {
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

void Tally::add(std::unique_ptr<Interval> interval) {
  if (interval->part == Interval::Part::measured) {
    measured_.resize(shards_);
    measured_[interval->shard] += interval->end - interval->begin;
    add_counts(sums_, *interval);
  }
  if (interval->part != Interval::Part::warmup) {
    merge(service_time_, interval->service_time);
    merge(send_delay_, interval->send_delay);
  }
  Row& row = open_[interval->index];
  if (row.parts == 0) {
    row.part = interval->part;
    row.sums.start = interval->begin - start_;
    row.sums.length = interval->end - interval->begin;
    row.sums.warmup = interval->part == Interval::Part::warmup;
  }
  ++row.parts;
  add_counts(row.sums, *interval);
  row.sums.connections += interval->connections;
  row.latency.merge(interval->latency);
  while (!open_.empty() && open_.begin()->second.parts == shards_) {
    close_row(open_.begin()->second);
    open_.erase(open_.begin());
  }
}

void Tally::close_row(Row& row) {
  if (row.part != Interval::Part::warmup) latency_.merge(row.latency);
  if (row.part == Interval::Part::tail) return;
  row.sums.set_latency(row.latency);
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
  result.elapsed = measured_.empty() ? 0 : *std::ranges::max_element(measured_);
  result.requests = sums_.requests;
  result.replies = sums_.replies;
  result.bytes_sent = sums_.bytes_sent;
  result.bytes_received = sums_.bytes_received;
  result.late = sums_.late;
  result.dropped = sums_.dropped;
  result.latency = std::move(latency_);
  result.service_time = std::move(service_time_);
  result.send_delay = std::move(send_delay_);
}

}  // namespace ringpost::loadgen
