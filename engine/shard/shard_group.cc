#include "engine/shard/shard_group.h"

#include <concurrentqueue/concurrentqueue.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstring>
#include <latch>
#include <thread>
#include <utility>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/io/uring_check.h"

namespace ringpost::engine {

namespace {

void signal_event(int event) {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the reader is due anyway.
  [[maybe_unused]] const ssize_t written = ::write(event, &one, sizeof one);
}

std::optional<std::string> pin_to(std::uint32_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  const int error = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  if (error == 0) return std::nullopt;
  return "cannot pin a shard to CPU " + std::to_string(cpu) + ": " + std::strerror(error);
}

}  // namespace

// Where the workers meet. They pass each point together, so that no ring is used before all are
// there, and nothing is freed that another may still touch.
struct ShardGroup::Rendezvous {
  explicit Rendezvous(std::ptrdiff_t count)
      : opened(count), wired(count + 1), ended(count), torn_down(count + 1) {}

  std::latch opened;     // every ring is there, or failed
  std::latch wired;      // every shard is about to run, and the starter knows
  std::latch ended;      // no shard runs any more
  std::latch torn_down;  // no payload or lane is in use any more, and the group sends nothing
  moodycamel::ConcurrentQueue<FullReport> reports;
};

// One shard's thread.
class ShardGroup::Worker final : public ReportTarget {
 public:
  Worker(ShardGroup& group, std::uint32_t index) : group_(group), index_(index) {}

  void start(const Wire& wire) {
    thread_ = std::thread([this, &wire] { run(wire); });
  }
  void join() { thread_.join(); }

  // Called on: any thread, from the shard's first turn until the group lets it be torn down.
  void send(const Message& message) {
    group_.mesh_->inbox(index_).push(message);
    if (group_.mesh_->parker(index_).claim_wake()) io_->wake_from_any_thread();
  }

  const std::optional<std::string>& failure() const { return failure_; }
  FullReport& last_report() { return last_report_; }

  void on_report(const ShardReport& report) override {
    group_.rendezvous_->reports.enqueue(full(report));
    signal_event(group_.event_);
  }

 private:
  FullReport full(const ShardReport& report) const {
    return {report, group_.options_.cpus[index_], io_->counters()};
  }

  void run(const Wire& wire);
  void open();
  bool all_opened() const;

  ShardGroup& group_;
  std::uint32_t index_;
  MonotonicClock clock_;
  KernelOwned kernel_owned_;
  std::unique_ptr<UringIo> io_;
  std::optional<std::string> failure_;
  FullReport last_report_;
  std::thread thread_;
};

void ShardGroup::Worker::open() {
  failure_ = pin_to(group_.options_.cpus[index_]);
  if (failure_) return;
  UringOptions options{.clock = clock_, .kernel_owned = kernel_owned_};
  options.sq_entries = group_.options_.uring_entries;
  options.cq_entries = group_.options_.completion_entries;
  options.buffer_count = group_.options_.buffer_count;
  options.buffer_bytes = group_.options_.buffer_bytes;
  auto io = UringIo::open(options);
  if (io) {
    io_ = std::move(*io);
  } else {
    failure_ = explain(io.error(), read_host_facts(), group_.options_.demand());
  }
}

bool ShardGroup::Worker::all_opened() const {
  for (const auto& worker : group_.workers_) {
    if (worker->failure_) return false;
  }
  return true;
}

void ShardGroup::Worker::run(const Wire& wire) {
  open();
  Rendezvous& meet = *group_.rendezvous_;
  meet.opened.arrive_and_wait();
  if (!all_opened()) {
    io_.reset();  // only here: a ring belongs to the thread that opened it
    meet.wired.count_down();
    return;
  }
  std::vector<int> rings;
  for (const auto& worker : group_.workers_) rings.push_back(worker->io_->ring_fd());
  io_->set_peers(rings);

  ShardOptions options = group_.options_.shard;
  options.index = index_;
  options.resolver = group_.resolver_.get();
  auto shard = std::make_unique<Shard>(options, *io_, kernel_owned_, clock_, *group_.mesh_);
  wire(*shard);
  meet.wired.arrive_and_wait();

  while (shard->turn()) {
  }

  last_report_ = full(shard->report());
  meet.ended.arrive_and_wait();
  signal_event(group_.event_);
  shard->teardown();
  meet.torn_down.arrive_and_wait();
  shard.reset();
  io_.reset();
}

ShardGroup::ShardGroup(ShardGroupOptions options)
    : options_(std::move(options)), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  ASSERT(!options_.cpus.empty() && options_.cpus.size() <= shard_count_max);
  ASSERT(event_ >= 0);
}

ShardGroup::~ShardGroup() {
  ASSERT(workers_.empty());
  ::close(event_);
}

std::optional<std::string> ShardGroup::start(const Wire& wire) {
  mesh_ = std::make_unique<Mesh>(shard_count(), options_.lane_capacity);
  rendezvous_ = std::make_unique<Rendezvous>(shard_count());
  if (options_.resolver) {
    auto opened = CaresResolver::open(*options_.resolver, *this);
    if (!opened) return opened.error();
    resolver_ = std::move(*opened);
  }
  for (std::uint32_t i = 0; i < shard_count(); ++i) {
    workers_.push_back(std::make_unique<Worker>(*this, i));
  }
  for (const auto& worker : workers_) worker->start(wire);
  rendezvous_->wired.arrive_and_wait();
  for (const auto& worker : workers_) {
    if (!worker->failure()) continue;
    std::string why = *worker->failure();
    for (const auto& other : workers_) other->join();
    workers_.clear();
    return why;
  }
  return std::nullopt;
}

void ShardGroup::post(const Message& message) {
  ASSERT(message.to.shard() < workers_.size());
  workers_[message.to.shard()]->send(message);
}

void ShardGroup::tell_all(std::uint16_t kind) {
  for (std::uint32_t i = 0; i < shard_count(); ++i) {
    Message message{};
    message.to = Shard::ref_of(i);
    message.kind = kind;
    message.put(static_cast<ReportTarget*>(workers_[i].get()));
    workers_[i]->send(message);
  }
}

void ShardGroup::drain() { tell_all(kind_drain); }
void ShardGroup::drain_at_once() { tell_all(kind_drain_skip); }
void ShardGroup::request_reports() { tell_all(kind_counters); }

std::vector<FullReport> ShardGroup::take_reports() {
  std::uint64_t count;
  [[maybe_unused]] const ssize_t got = ::read(event_, &count, sizeof count);
  std::vector<FullReport> reports;
  FullReport report;
  while (rendezvous_->reports.try_dequeue(report)) reports.push_back(std::move(report));
  return reports;
}

ResolverCounters ShardGroup::resolver_counters() const {
  return resolver_ ? resolver_->counters() : resolver_counters_;
}

bool ShardGroup::ended() const { return rendezvous_->ended.try_wait(); }

std::vector<FullReport> ShardGroup::join() {
  std::vector<FullReport> reports;
  rendezvous_->ended.wait();  // nobody asks the resolver any more
  resolver_counters_ = resolver_counters();
  resolver_.reset();  // and it posts nothing any more
  rendezvous_->torn_down.count_down();
  for (const auto& worker : workers_) {
    worker->join();
    reports.push_back(std::move(worker->last_report()));
  }
  workers_.clear();
  return reports;
}

}  // namespace ringpost::engine
