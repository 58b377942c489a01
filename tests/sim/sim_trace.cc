#include "tests/sim/sim_trace.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

namespace ringpost::sim {
namespace {

// Read by a signal handler, hence plain memory.
std::array<char, 4096> report_line;
std::size_t report_bytes = 0;

void write_report() {
  if (report_bytes == 0) return;
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, report_line.data(), report_bytes);
  report_bytes = 0;
}

void on_fatal_signal(int signal_number) {
  write_report();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

}  // namespace

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t hash) {
  constexpr std::uint64_t factor = 0x9e3779b97f4a7c15u;
  hash = (hash ^ bytes.size()) * factor;
  while (bytes.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data(), 8);
    hash = (hash ^ word) * factor;
    hash ^= hash >> 32;
    bytes.remove_prefix(8);
  }
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * factor;
  return hash ^ (hash >> 29);
}

void SimTrace::print(EventName name, std::uint64_t a, std::uint64_t b, std::uint64_t c) const {
  std::printf("%12.3f us %-20s %" PRId64 " %" PRIx64 " %" PRId64 "\n",
              static_cast<double>(print_->now()) / 1000, name.text, static_cast<std::int64_t>(a), b,
              static_cast<std::int64_t>(c));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
extern "C" void __sanitizer_set_death_callback(void (*callback)());
#endif

namespace {

void install_sim_report() {
  signal(SIGABRT, on_fatal_signal);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  __sanitizer_set_death_callback(write_report);
#else
  signal(SIGSEGV, on_fatal_signal);
  signal(SIGBUS, on_fatal_signal);
  signal(SIGFPE, on_fatal_signal);
#endif
}

}  // namespace

void set_sim_report(std::string_view line) {
  static const bool is_installed = (install_sim_report(), true);
  (void)is_installed;
  report_bytes = std::min(line.size(), report_line.size() - 1);
  std::copy_n(line.data(), report_bytes, report_line.data());  // an empty line may be null
  if (report_bytes != 0) report_line[report_bytes++] = '\n';
}

void sim_fail(const char* format, ...) {
  std::fflush(stdout);
  std::fputs("simulation: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  std::abort();
}

}  // namespace ringpost::sim
