#pragma once

// ShardGroup: N shards on N pinned threads, each with an io_uring of its own. Starts them together,
// lets them be wired on their own threads, passes signals on, collects reports, and joins them in
// an order in which nobody touches what another has already freed.
//
// Owned by: one thread that is not a shard. Called on: that thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/uring_check.h"
#include "engine/io/uring_io.h"
#include "engine/net/cares_resolver.h"
#include "engine/shard/shard.h"

namespace ringpost::engine {

struct ShardGroupOptions {
  std::vector<std::uint32_t> cpus;  // one shard each; a CPU may appear more than once
  std::size_t lane_capacity = 4096;
  ShardOptions shard;                            // `index` and `resolver` are set by the group
  std::optional<CaresResolverOptions> resolver;  // where a service connects to names: look them up
  std::uint32_t uring_entries = 256;
  std::uint32_t completion_entries = 4096;
  std::uint32_t buffer_count = 256;
  std::uint32_t buffer_bytes = 64 << 10;

  // What all shards together will ask of the kernel.
  UringDemand demand() const {
    return {static_cast<std::uint32_t>(cpus.size()), uring_entries, completion_entries,
            buffer_count};
  }
};

// A shard's report with what its Io counted.
struct FullReport {
  ShardReport shard;
  std::uint32_t cpu = 0;
  UringCounters io;
};

class ShardGroup final : public MessageSink {
 public:
  // Called once on each shard's thread, before its first turn: add services, spawn actors, listen.
  using Wire = std::function<void(Shard&)>;

  explicit ShardGroup(ShardGroupOptions options);
  ~ShardGroup();  // Requires: joined, or never started.
  ShardGroup(const ShardGroup&) = delete;
  ShardGroup& operator=(const ShardGroup&) = delete;

  // Returns when every shard runs, or says why one could not start; then none runs.
  std::optional<std::string> start(const Wire& wire);

  // Every shard stops accepting, finishes and closes, within the drain time.
  void drain();
  // Cuts a drain short.
  void drain_at_once();
  // Called on: any thread, from `start` until `join`.
  void post(const Message& message) override;

  // Asks every shard for its report; they arrive one by one, readable when `report_event` is.
  void request_reports();
  // An eventfd that is readable when reports arrived or a shard ended.
  int event() const { return event_; }
  // The reports that arrived since the last call, in order of arrival.
  std::vector<FullReport> take_reports();
  // All zero without a resolver.
  ResolverCounters resolver_counters() const;
  // All shards have ended. They wait for `join`.
  bool ended() const;

  // Waits until all shards have ended and takes them down. Their last reports, by shard.
  std::vector<FullReport> join();

  std::uint32_t shard_count() const { return static_cast<std::uint32_t>(options_.cpus.size()); }

 private:
  class Worker;

  void tell_all(std::uint16_t kind);

  ShardGroupOptions options_;
  int event_;
  std::unique_ptr<Mesh> mesh_;
  struct Rendezvous;
  std::unique_ptr<Rendezvous> rendezvous_;
  std::vector<std::unique_ptr<Worker>> workers_;
  // Asked by the shards until they end, and posts through the workers' rings: made before them,
  // and ended between their last turn and the end of their rings.
  std::unique_ptr<CaresResolver> resolver_;
  ResolverCounters resolver_counters_;  // once it has ended
};

}  // namespace ringpost::engine
