#pragma once

// SimTrace: what happened, folded into one number, so that "the same seed gives the same run" can
// be checked; printed line by line on demand. Nothing that differs between two runs (addresses,
// real time) may be noted.

#include <cstdint>
#include <cstdio>
#include <string_view>

#include "engine/base/clock.h"

namespace ringpost::sim {

// The name of an event, hashed while compiling.
struct EventName {
  const char* text;
  std::uint64_t hash;

  template <std::size_t N>
  consteval EventName(const char (&name)[N]) : text(name), hash(14695981039346656037u) {
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
};

// A hash of bytes that does not depend on the machine's mood: fast, not for secrets.
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t hash = 0);

class SimTrace {
 public:
  void note(EventName name, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0) {
    fold(name.hash);
    fold(a);
    fold(b);
    fold(c);
    ++count_;
    if (print_) [[unlikely]] {
      print(name, a, b, c);
    }
  }

  std::uint64_t hash() const { return hash_; }
  std::uint64_t count() const { return count_; }
  // Lines go to standard output, with the time of `clock`. Null: no printing.
  void print_with(const engine::Clock* clock) { print_ = clock; }

 private:
  void fold(std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9fb21c651e98df25u;
    hash_ ^= hash_ >> 29;
  }
  void print(EventName name, std::uint64_t a, std::uint64_t b, std::uint64_t c) const;

  const engine::Clock* print_ = nullptr;
  std::uint64_t hash_ = 1;
  std::uint64_t count_ = 0;
};

// A run whose seed and options are printed when the process dies: by a failed check, an ASSERT of
// the engine, a sanitizer or a fault of memory. Empty: nothing to print.
void set_sim_report(std::string_view line);

// Prints what is wrong and aborts.
[[noreturn, gnu::cold, gnu::noinline, gnu::format(printf, 1, 2)]] void sim_fail(const char* format,
                                                                                ...);

}  // namespace ringpost::sim

// Rules of the seam that the code under test has to keep, and truths of the simulator itself.
#define SIM_CHECK(x, ...) (static_cast<bool>(x) ? void(0) : ::ringpost::sim::sim_fail(__VA_ARGS__))
