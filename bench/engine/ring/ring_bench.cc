// Measures engine/ring beside the queues that our distribution packages, all in this one binary:
//
//   spsc one     8-byte items one at a time, capacity 1 Ki and 64 Ki          M items/s
//   spsc batch   the same in batches of 16, array push and array pop          M items/s
//   spsc line    64-byte items (a Message) in batches of 16                   M items/s
//   round trip   a lone message to the other thread and back, two rings       ns
//   mpsc ...     1 and 2 producers, one at a time and in batches of 16        M items/s
//
// Sender and receiver are pinned to two CPUs of the affinity mask (two producers share one). Every
// item is checked for its place in the sequence. Rings are touched by two laps before the clock
// starts. One run of a contestant takes some 5 ms, and is repeated if the scheduler took a CPU
// away in it; a round runs every contestant of a row once, in an order that rotates from round to
// round. A ratio is ours over the best peer in each round, and what counts is the median of the
// rounds; the table shows the spread beside it. Beside the rings two bare atomics play ping-pong:
// how far apart the two CPUs are decides every other figure.
//
//   ring_bench [--rounds N] [--only TEXT] [--json FILE] [--smoke] [Google Benchmark's own flags]

#include <benchmark/benchmark.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/engine/ring/mpsc_links.h"
#include "bench/engine/ring/pair.h"
#include "bench/engine/ring/spsc_links.h"

namespace ringpost::bench {
namespace {

// What one run says: how long it took, and whether each item came in its place.
struct Outcome {
  Timing timing;
  bool in_order;
};

// A link on lines of its own: some contestants rely on where the allocator puts them otherwise.
template <typename Link>
struct alignas(128) Apart {
  Link link;
};

// 64 bytes like a Message; the first word is the sequence.
struct Line {
  std::array<std::uint64_t, 8> words;
};

std::uint64_t sequence_of(std::uint64_t item) { return item; }
std::uint64_t sequence_of(const Line& item) { return item.words[0] ^ item.words[7]; }

template <typename Item>
Item item_of(std::uint64_t sequence) {
  if constexpr (std::is_same_v<Item, Line>) {
    return {{sequence, 0, 0, 0, 0, 0, 0, 0}};
  } else {
    return sequence;
  }
}

// Two laps of three quarters of the slots, so that every page is there before the clock starts.
template <typename Item, typename Link>
std::unique_ptr<Apart<Link>> touched() {
  auto apart = std::make_unique<Apart<Link>>();
  auto sender = apart->link.sender();
  auto receiver = apart->link.receiver();
  std::size_t capacity = mpsc_capacity / 4;
  if constexpr (requires { Link::capacity; }) {
    capacity = Link::capacity;
  }
  for (int lap = 0; lap < 2; ++lap) {
    for (std::size_t i = 0; i < capacity * 3 / 4; ++i) {
      ASSERT(sender.try_push(item_of<Item>(1)));
    }
    for (std::size_t i = 0; i < capacity * 3 / 4; ++i) {
      Item item;
      ASSERT(receiver.try_pop(item));
    }
  }
  return apart;
}

template <typename Link, typename Wait>
Outcome spsc_one(std::uint64_t count) {
  const auto apart = touched<std::uint64_t, Link>();
  std::uint64_t wrong_out = 0;
  const Timing timing = run_together(
      [link = &apart->link, count, &wrong_out] {
        auto receiver = link->receiver();
        const std::uint64_t last = count;
        std::uint64_t wrong = 0;
        for (std::uint64_t i = 1; i <= last; ++i) {
          std::uint64_t item;
          while (!receiver.try_pop(item)) {
            Wait::wait();
          }
          wrong |= item ^ i;
        }
        wrong_out = wrong;
      },
      [link = &apart->link, count] {
        auto sender = link->sender();
        const std::uint64_t last = count;
        for (std::uint64_t i = 1; i <= last; ++i) {
          while (!sender.try_push(i)) {
            Wait::wait();
          }
        }
      });
  return {timing, wrong_out == 0};
}

inline constexpr std::size_t batch = 16;

// Sends 1..count (a multiple of the batch), each marked with `mark` in its high bits.
template <typename Item, typename Wait, typename Sender>
void send_batches(Sender& sender, std::uint64_t count, std::uint64_t mark) {
  std::array<Item, batch> items{};
  for (std::uint64_t i = 1; i <= count; i += batch) {
    for (std::size_t j = 0; j < batch; ++j) {
      items[j] = item_of<Item>(mark | (i + j));
    }
    for (std::size_t sent = 0; sent < batch;) {
      const std::size_t some = sender.push_some(items.data() + sent, batch - sent);
      sent += some;
      if (some == 0) {
        Wait::wait();
      }
    }
  }
}

template <typename Item, typename Link, typename Wait>
Outcome spsc_batch(std::uint64_t count) {
  const auto apart = touched<Item, Link>();
  std::uint64_t wrong_out = 0;
  const Timing timing = run_together(
      [link = &apart->link, count, &wrong_out] {
        auto receiver = link->receiver();
        const std::uint64_t last = count;
        std::uint64_t wrong = 0;
        std::array<Item, batch> items;
        for (std::uint64_t i = 1; i <= last;) {
          const std::size_t some = receiver.pop_some(items.data(), batch);
          for (std::size_t j = 0; j < some; ++j) {
            wrong |= sequence_of(items[j]) ^ (i + j);
          }
          i += some;
          if (some == 0) {
            Wait::wait();
          }
        }
        wrong_out = wrong;
      },
      [link = &apart->link, count] {
        auto sender = link->sender();
        send_batches<Item, Wait>(sender, count, 0);
      });
  return {timing, wrong_out == 0};
}

template <typename Link>
Outcome round_trip(std::uint64_t count) {
  const auto there = touched<std::uint64_t, Link>();
  const auto back = touched<std::uint64_t, Link>();
  std::uint64_t wrong_out = 0;
  const Timing timing = run_together(
      [out = &there->link, in = &back->link, count, &wrong_out] {
        auto sender = out->sender();
        auto receiver = in->receiver();
        const std::uint64_t last = count;
        std::uint64_t wrong = 0;
        for (std::uint64_t i = 1; i <= last; ++i) {
          while (!sender.try_push(i)) {
          }
          std::uint64_t item;
          while (!receiver.try_pop(item)) {
          }
          wrong |= item ^ i;
        }
        wrong_out = wrong;
      },
      [out = &back->link, in = &there->link, count] {
        auto receiver = in->receiver();
        auto sender = out->sender();
        const std::uint64_t last = count;
        for (std::uint64_t i = 1; i <= last; ++i) {
          std::uint64_t item;
          while (!receiver.try_pop(item)) {
          }
          while (!sender.try_push(item)) {
          }
        }
      });
  return {timing, wrong_out == 0};
}

Outcome bare_ping_pong(std::uint64_t count) {
  struct alignas(128) Ball {
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Ball, 2> balls;
  const Timing timing = run_together(
      [there = &balls[0], back = &balls[1], count] {
        for (std::uint64_t i = 1; i <= count; ++i) {
          there->value.store(i, std::memory_order_release);
          while (back->value.load(std::memory_order_acquire) != i) {
          }
        }
      },
      [there = &balls[0], back = &balls[1], count] {
        for (std::uint64_t i = 1; i <= count; ++i) {
          while (there->value.load(std::memory_order_acquire) != i) {
          }
          back->value.store(i, std::memory_order_release);
        }
      });
  return {timing, true};
}

inline constexpr int mark_shift = 56;  // The producer's number lives above the sequence.

// Whether each producer's items come in order, or, from a queue that does not promise it, each
// once.
template <int producers, bool keeps_order>
class Checker {
 public:
  void take(std::uint64_t item) {
    const std::uint64_t sequence = item << 8 >> 8;
    if constexpr (!keeps_order) {
      sum_ += sequence;
    } else if constexpr (producers == 1) {
      wrong_ |= sequence ^ next_first_++;
    } else {
      std::uint64_t& next = item >> mark_shift == 0 ? next_first_ : next_second_;
      wrong_ |= sequence ^ next++;
    }
  }

  // After `each` items of each producer: not zero if something is wrong.
  std::uint64_t wrong(std::uint64_t each) const {
    return keeps_order ? wrong_ : sum_ ^ (each * (each + 1) / 2 * producers);
  }

 private:
  std::uint64_t next_first_ = 1;
  std::uint64_t next_second_ = 1;
  std::uint64_t wrong_ = 0;
  std::uint64_t sum_ = 0;
};

template <typename Link, typename Wait, int producers, std::size_t at_a_time>
std::uint64_t receive_all(Link& link, std::uint64_t each) {
  constexpr bool keeps_order = [] {
    if constexpr (requires { Link::keeps_order; }) {
      return Link::keeps_order;
    }
    return true;
  }();
  auto receiver = link.receiver();
  Checker<producers, keeps_order> checker;
  for (std::uint64_t left = each * producers; left != 0;) {
    if constexpr (at_a_time == 1) {
      std::uint64_t item;
      while (!receiver.try_pop(item)) {
        Wait::wait();
      }
      checker.take(item);
      --left;
    } else {
      std::array<std::uint64_t, batch> items;
      const std::size_t some = receiver.pop_some(items.data(), batch);
      for (std::size_t j = 0; j < some; ++j) {
        checker.take(items[j]);
      }
      left -= some;
      if (some == 0) {
        Wait::wait();
      }
    }
  }
  return checker.wrong(each);
}

template <typename Link, typename Wait, std::size_t at_a_time>
void send_all(Link& link, std::uint64_t count, std::uint64_t mark) {
  auto sender = link.sender();
  if constexpr (at_a_time == 1) {
    for (std::uint64_t i = 1; i <= count; ++i) {
      while (!sender.try_push(mark | i)) {
        Wait::wait();
      }
    }
  } else {
    send_batches<std::uint64_t, Wait>(sender, count, mark);
  }
}

// `producers` (1 or 2) send `count` items in all.
template <typename Link, typename Wait, int producers, std::size_t at_a_time>
Outcome mpsc(std::uint64_t count) {
  const auto apart = touched<std::uint64_t, Link>();
  std::uint64_t wrong_out = 0;
  const std::uint64_t each = count / producers;
  // The receiver has its CPU to itself.
  using ReceiverWait = std::conditional_t<producers == 1, Wait, Pause>;
  const auto receive = [link = &apart->link, each, &wrong_out] {
    wrong_out = receive_all<Link, ReceiverWait, producers, at_a_time>(*link, each);
  };
  const auto send_as = [link = &apart->link, each](std::uint64_t number) {
    return [link, each, number] {
      send_all<Link, Wait, at_a_time>(*link, each, number << mark_shift);
    };
  };
  Timing timing;
  if constexpr (producers == 1) {
    timing = run_together(receive, send_as(0));
  } else {
    timing = run_together(receive, send_as(0), send_as(1));
  }
  return {timing, wrong_out == 0};
}

// Against whom a row is judged: its reference if it has one, else the best of its peers.
enum class Role : std::uint8_t { ours, peer, reference };

// One contestant of a row, with one way to wait.
struct Contestant {
  std::string row;
  std::string name;
  Role role;
  std::function<Outcome(std::uint64_t)> run;
  std::uint64_t count = 0;     // Items or round trips per run; adapted to the time a run takes.
  std::vector<double> values;  // One per round: M items/s, or ns per round trip.
};

// The bounds are on ours over the one it is judged against.
struct Row {
  std::string name;
  bool is_latency;  // ns, less is better; else M items/s.
  double floor;     // 0: nothing is promised.
  double aim;
  bool senders_share = false;  // Two senders on one CPU.
};

std::vector<Row> rows;
std::vector<Contestant> contestants;

void add(const std::string& row, const std::string& name, Role role,
         std::function<Outcome(std::uint64_t)> run) {
  contestants.push_back({row, name, role, std::move(run), 0, {}});
}

template <typename Link>
void add_one(const std::string& row, Role role) {
  add(row, std::string(Link::name) + ", busy", role, spsc_one<Link, Busy>);
  add(row, std::string(Link::name) + ", pause", role, spsc_one<Link, Pause>);
}

template <typename Item, typename Link>
void add_batch(const std::string& row, Role role) {
  add(row, std::string(Link::name) + ", busy", role, spsc_batch<Item, Link, Busy>);
  add(row, std::string(Link::name) + ", pause", role, spsc_batch<Item, Link, Pause>);
}

template <std::size_t capacity>
void add_capacity(const std::string& suffix) {
  using Item = std::uint64_t;
  const std::string one = "spsc one, " + suffix;
  rows.push_back({one, false, 1.15, 1.5});
  add_one<RingpostLink<Item, capacity>>(one, Role::ours);
  add_one<ReaderWriterLink<Item, capacity>>(one, Role::peer);
  add_one<BoostLink<Item, capacity>>(one, Role::peer);
  add_one<AtomicTryLink<Item, capacity>>(one, Role::peer);
  using Waiting = AtomicWaitLink<Item, capacity>;
  add(one, Waiting::name, Role::peer, spsc_one<Waiting, Busy>);

  const std::string many = "spsc batch, " + suffix;
  rows.push_back({many, false, 1.05, 1.4});
  add_batch<Item, RingpostLink<Item, capacity>>(many, Role::ours);
  add_batch<Item, BoostLink<Item, capacity>>(many, Role::peer);
}

void add_lines() {
  const std::string row = "spsc line, 1 Ki";
  rows.push_back({row, false, 0, 0});
  add_batch<Line, RingpostLink<Line, 1024>>(row, Role::ours);
  add_batch<Line, BoostLink<Line, 1024>>(row, Role::peer);
}

template <typename Link>
void add_round_trip(Role role) {
  add("round trip", Link::name, role, round_trip<Link>);
}

void add_round_trips() {
  using Item = std::uint64_t;
  rows.push_back({"round trip", true, 1.3, 1.0});
  add("round trip", "two bare atomics", Role::reference, bare_ping_pong);
  add_round_trip<RingpostLink<Item, 1024>>(Role::ours);
  add_round_trip<ReaderWriterLink<Item, 1024>>(Role::peer);
  add_round_trip<BoostLink<Item, 1024>>(Role::peer);
  add_round_trip<AtomicTryLink<Item, 1024>>(Role::peer);
  add_round_trip<AtomicWaitLink<Item, 1024>>(Role::peer);
}

template <typename Link, int producers, std::size_t at_a_time>
void add_mpsc(const std::string& row, Role role) {
  const std::string name = Link::name;
  if constexpr (producers == 1) {
    add(row, name + ", busy", role, mpsc<Link, Busy, producers, at_a_time>);
    add(row, name + ", pause", role, mpsc<Link, Pause, producers, at_a_time>);
  } else {
    add(row, name, role, mpsc<Link, Yield, producers, at_a_time>);
  }
}

template <int producers>
void add_producers() {
  const std::string one = "mpsc " + std::to_string(producers) + "+1 one";
  rows.push_back({one, false, 2, 6, producers > 1});
  add_mpsc<RingpostLanes, producers, 1>(one, Role::ours);
  add_mpsc<ConcurrentTokenLink, producers, 1>(one, Role::peer);
  add_mpsc<ConcurrentLink, producers, 1>(one, Role::peer);
  add_mpsc<AtomicManyLink<false>, producers, 1>(one, Role::peer);
  add_mpsc<AtomicManyLink<true>, producers, 1>(one, Role::peer);

  const std::string many = "mpsc " + std::to_string(producers) + "+1 batch";
  rows.push_back({many, false, 2, 6, producers > 1});
  add_mpsc<RingpostLanes, producers, batch>(many, Role::ours);
  add_mpsc<ConcurrentTokenLink, producers, batch>(many, Role::peer);
  add_mpsc<ConcurrentLink, producers, batch>(many, Role::peer);
}

void add_all() {
  add_round_trips();
  add_capacity<1024>("1 Ki");
  add_capacity<65'536>("64 Ki");
  add_lines();
  add_producers<1>();
  add_producers<2>();
}

struct Options {
  int rounds = 12;
  bool smoke = false;  // One short round: does it build, does every item arrive in order?
  std::string only;    // Part of a row's name.
  std::string json;    // Where to write the figures.
};

const Row& row_of(const Contestant& contestant) {
  return *std::find_if(rows.begin(), rows.end(),
                       [&](const Row& row) { return row.name == contestant.row; });
}

double figure(const Contestant& contestant, double seconds) {
  const double count = static_cast<double>(contestant.count);
  return row_of(contestant).is_latency ? seconds / count * 1e9 : count / seconds / 1e6;
}

// How many items make a run of `seconds_wanted`, from one short run.
std::uint64_t calibrated(const Contestant& contestant, double seconds_wanted) {
  const std::uint64_t probe = row_of(contestant).is_latency ? 20'000 : 320'000;
  const double seconds = contestant.run(probe).timing.seconds;
  const double wanted = static_cast<double>(probe) / seconds * seconds_wanted;
  const std::uint64_t step = 2 * batch;  // Divides among producers and into batches.
  return static_cast<std::uint64_t>(std::clamp(wanted, 10'000.0, 100e6)) / step * step;
}

// Keeps Google Benchmark quiet; the figures are gathered by the benchmarks themselves, because they
// are to be compared across rounds.
class QuietReporter final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) {
        std::fprintf(stderr, "%s: %s\n", run.benchmark_name().c_str(), run.error_message.c_str());
        failed_ = true;
      }
    }
  }
  bool failed() const { return failed_; }

 private:
  bool failed_ = false;
};

// Runs again while the scheduler took a CPU away from one of the ends: what such a run measures is
// who else works on this machine. (Senders that share a CPU take it from each other by design.)
Outcome run_undisturbed(const Contestant& contestant) {
  constexpr int attempts_max = 10;
  Outcome outcome = contestant.run(contestant.count);
  for (int i = 1; i < attempts_max && outcome.in_order && outcome.timing.preemptions != 0 &&
                  !row_of(contestant).senders_share;
       ++i) {
    outcome = contestant.run(contestant.count);
  }
  return outcome;
}

int runs_disturbed = 0;

void measure(benchmark::State& state, Contestant& contestant) {
  for (auto _ : state) {
    const Outcome outcome = run_undisturbed(contestant);
    if (!outcome.in_order) {
      state.SkipWithError("an item is missing, double or out of its order");
      return;
    }
    if (outcome.timing.preemptions != 0 && !row_of(contestant).senders_share) {
      ++runs_disturbed;
    }
    state.SetIterationTime(outcome.timing.seconds);
    contestant.values.push_back(figure(contestant, outcome.timing.seconds));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(contestant.count));
}

std::string spec_of(std::size_t index) { return "c" + std::to_string(index) + "/"; }

void register_all(const Options& options) {
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    Contestant& contestant = contestants[i];
    const double seconds_wanted = row_of(contestant).senders_share ? 0.06 : 0.005;
    contestant.count = options.smoke ? 6'400 : calibrated(contestant, seconds_wanted);
    benchmark::RegisterBenchmark(
        (spec_of(i) + contestant.row + "/" + contestant.name).c_str(),
        [&contestant](benchmark::State& state) { measure(state, contestant); })
        ->Iterations(1)
        ->UseManualTime();
  }
}

// Runs every contestant of a row once, beginning with another one each round.
void run_round(const Row& row, int round, QuietReporter& reporter) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    if (contestants[i].row == row.name) {
      order.push_back(i);
    }
  }
  const auto first = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(round) % order.size());
  std::rotate(order.begin(), order.begin() + first, order.end());
  for (const std::size_t i : order) {
    benchmark::RunSpecifiedBenchmarks(&reporter, "^" + spec_of(i));
  }
}

struct Spread {
  double median;
  double low;
  double high;
};

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  const double median = n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
  return {median, values.front(), values.back()};
}

// The best of a role in a row by its median; null when the row has none.
const Contestant* best_of(const Row& row, Role role) {
  const Contestant* best = nullptr;
  for (const Contestant& contestant : contestants) {
    if (contestant.row != row.name || contestant.role != role) {
      continue;
    }
    const double value = spread_of(contestant.values).median;
    if (best == nullptr || (value < spread_of(best->values).median) == row.is_latency) {
      best = &contestant;
    }
  }
  return best;
}

// Ours over the one it is judged against, round by round.
struct Verdict {
  const Contestant* ours;
  const Contestant* other;
  Spread ratio;
  const char* met;
};

Verdict verdict_of(const Row& row) {
  const Contestant* ours = best_of(row, Role::ours);
  const Contestant* other = best_of(row, Role::reference);
  if (other == nullptr) {
    other = best_of(row, Role::peer);
  }
  std::vector<double> ratios;
  for (std::size_t i = 0; i < ours->values.size(); ++i) {
    ratios.push_back(ours->values[i] / other->values[i]);
  }
  const Spread ratio = spread_of(ratios);
  const auto reaches = [&](double bound) {
    return row.is_latency ? ratio.median <= bound : ratio.median >= bound;
  };
  const char* met = row.floor == 0       ? "-"
                    : reaches(row.aim)   ? "aim"
                    : reaches(row.floor) ? "floor"
                                         : "MISSED";
  return {ours, other, ratio, met};
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) {
      return line.substr(line.find(':') + 2);
    }
  }
  return "unknown CPU";
}

std::string machine() {
  utsname system{};
  uname(&system);
  return cpu_model() + ", " + std::to_string(allowed_cpus().size()) + " CPUs allowed, sender on " +
         std::to_string(placement().sender) + ", receiver on " +
         std::to_string(placement().receiver) + "; " + system.sysname + " " + system.release +
         "; compiler " + __VERSION__;
}

void print_tables(const std::string& where, int rounds) {
  std::printf("%s\n%d rounds; M items/s, for round trips ns; median (min - max)\n", where.c_str(),
              rounds);
  if (runs_disturbed != 0) {
    std::printf("DISTURBED: in %d runs somebody else used these CPUs, ten times in a row.\n",
                runs_disturbed);
  }
  std::printf("\n");
  for (const Row& row : rows) {
    std::printf("%s\n", row.name.c_str());
    for (const Contestant& contestant : contestants) {
      if (contestant.row == row.name) {
        const Spread spread = spread_of(contestant.values);
        std::printf("  %-28s %8.1f  (%.1f - %.1f)\n", contestant.name.c_str(), spread.median,
                    spread.low, spread.high);
      }
    }
  }
  std::printf("\n%-18s %9s %9s  %-26s %6s %15s %6s %5s  %s\n", "row", "ours", "other",
              "judged against", "ratio", "(min - max)", "floor", "aim", "met");
  for (const Row& row : rows) {
    const Verdict verdict = verdict_of(row);
    std::printf("%-18s %9.1f %9.1f  %-26s %5.2fx  (%5.2f - %5.2f) %6.2f %5.2f  %s\n",
                row.name.c_str(), spread_of(verdict.ours->values).median,
                spread_of(verdict.other->values).median, verdict.other->name.c_str(),
                verdict.ratio.median, verdict.ratio.low, verdict.ratio.high, row.floor, row.aim,
                verdict.met);
  }
}

bool write_json(const std::string& path, const std::string& where, int rounds) {
  std::FILE* out = std::fopen(path.c_str(), "w");
  if (out == nullptr) {
    std::perror(path.c_str());
    return false;
  }
  std::fprintf(out, "{\n  \"bench\": \"engine/ring\",\n  \"machine\": \"%s\",\n  \"rounds\": %d,\n",
               where.c_str(), rounds);
  std::fprintf(out, "  \"rows\": [\n");
  for (const Row& row : rows) {
    const Verdict verdict = verdict_of(row);
    std::fprintf(out,
                 "    {\"row\": \"%s\", \"unit\": \"%s\", \"ours\": \"%s\", \"against\": \"%s\", "
                 "\"ratio\": %.3f, \"ratio_min\": %.3f, \"ratio_max\": %.3f, \"floor\": %.2f, "
                 "\"aim\": %.2f, \"met\": \"%s\"}%s\n",
                 row.name.c_str(), row.is_latency ? "ns" : "M items/s", verdict.ours->name.c_str(),
                 verdict.other->name.c_str(), verdict.ratio.median, verdict.ratio.low,
                 verdict.ratio.high, row.floor, row.aim, verdict.met,
                 &row == &rows.back() ? "" : ",");
  }
  std::fprintf(out, "  ],\n  \"contestants\": [\n");
  for (const Contestant& contestant : contestants) {
    const Spread spread = spread_of(contestant.values);
    std::fprintf(out,
                 "    {\"row\": \"%s\", \"name\": \"%s\", \"median\": %.2f, \"min\": %.2f, "
                 "\"max\": %.2f, \"values\": [",
                 contestant.row.c_str(), contestant.name.c_str(), spread.median, spread.low,
                 spread.high);
    for (std::size_t i = 0; i < contestant.values.size(); ++i) {
      std::fprintf(out, "%s%.2f", i == 0 ? "" : ", ", contestant.values[i]);
    }
    std::fprintf(out, "]}%s\n", &contestant == &contestants.back() ? "" : ",");
  }
  std::fprintf(out, "  ]\n}\n");
  return std::fclose(out) == 0;
}

// Takes our own flags out of the arguments and leaves Google Benchmark's.
Options take_options(int& argc, char** argv) {
  Options options;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (flag == "--smoke") {
      options.smoke = true;
      options.rounds = 1;
    } else if (flag == "--rounds" && value != nullptr) {
      options.rounds = std::max(1, std::atoi(value));
      ++i;
    } else if (flag == "--only" && value != nullptr) {
      options.only = value;
      ++i;
    } else if (flag == "--json" && value != nullptr) {
      options.json = value;
      ++i;
    } else {
      argv[kept++] = argv[i];
    }
  }
  argc = kept;
  return options;
}

void keep_only(const std::string& part) {
  std::erase_if(rows, [&](const Row& row) { return row.name.find(part) == std::string::npos; });
  std::erase_if(contestants, [&](const Contestant& contestant) {
    return contestant.row.find(part) == std::string::npos;
  });
}

int run(int argc, char** argv) {
  const Options options = take_options(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 2;
  }
  const std::string where = machine();  // Before anything is pinned.
  add_all();
  keep_only(options.only);
  if (rows.empty()) {
    std::fprintf(stderr, "no row is called like \"%s\"\n", options.only.c_str());
    return 2;
  }
  register_all(options);
  QuietReporter reporter;
  for (int round = 0; round < options.rounds && !reporter.failed(); ++round) {
    for (const Row& row : rows) {
      run_round(row, round, reporter);
    }
  }
  if (reporter.failed()) {
    return 1;
  }
  if (options.smoke) {
    std::printf("%zu contestants, every item in its place\n", contestants.size());
    return 0;
  }
  print_tables(where, options.rounds);
  return options.json.empty() || write_json(options.json, where, options.rounds) ? 0 : 1;
}

}  // namespace
}  // namespace ringpost::bench

int main(int argc, char** argv) { return ringpost::bench::run(argc, argv); }
