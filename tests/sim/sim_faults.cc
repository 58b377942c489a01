#include "tests/sim/sim_faults.h"

#include <array>

#include "engine/base/prng.h"

namespace ringpost::sim {
namespace {

using engine::Prng;

struct Field {
  std::string_view name;
  std::uint64_t SimFaults::*value;
};

#define FIELD(name) \
  Field { #name, &SimFaults::name }
constexpr std::array fields = {
    FIELD(cut_bytes_max),
    FIELD(latency_us_max),
    FIELD(stall_one_in),
    FIELD(stall_ms_max),
    FIELD(send_buffer_bytes),
    FIELD(receive_buffer_bytes),
    FIELD(break_one_in),
    FIELD(reset_overtakes_one_in),
    FIELD(backlog),
    FIELD(buffer_count),
    FIELD(buffer_bytes),
    FIELD(receive_bytes_max),
    FIELD(multishot_end_one_in),
    FIELD(end_buffer_one_in),
    FIELD(hold_one_in),
    FIELD(send_chunk_bytes_max),
    FIELD(send_late_one_in),
    FIELD(cancel_late_one_in),
    FIELD(accept_error_one_in),
    FIELD(accept_abort_one_in),
    FIELD(fd_limit),
    FIELD(cq_entries),
    FIELD(reap_max),
    FIELD(empty_turn_one_in),
    FIELD(wake_delay_us_max),
    FIELD(spurious_wake_one_in),
    FIELD(turn_us_max),
    FIELD(shard_stall_one_in),
    FIELD(shard_stall_ms_max),
    FIELD(slow_shard),
    FIELD(event_weight),
};
#undef FIELD
static_assert(sizeof(SimFaults) == fields.size() * sizeof(std::uint64_t),
              "every fault has its name in the table");

// A power of two between 1 << low and 1 << high, blurred, so that small and large are equally
// likely.
std::uint64_t draw_log(Prng& prng, unsigned low, unsigned high) {
  const std::uint64_t base = std::uint64_t{1} << (low + prng.below(high - low + 1));
  return base + prng.below(base);
}

}  // namespace

SimFaults SimFaults::draw(std::uint64_t seed, std::uint64_t shard_count) {
  Prng prng(seed ^ 0x5157'4a52'4d00'0001u);
  SimFaults faults;
  // Each line has a coin of its own, drawn whether or not it is used.
  const auto on = [&] { return prng.one_in(2); };
  const auto rate = [&](std::uint64_t SimFaults::*field, unsigned low, unsigned high) {
    const std::uint64_t n = draw_log(prng, low, high);
    if (on()) faults.*field = n;
  };
  rate(&SimFaults::cut_bytes_max, 0, 12);
  rate(&SimFaults::latency_us_max, 0, 14);
  rate(&SimFaults::stall_one_in, 3, 9);
  faults.stall_ms_max = draw_log(prng, 0, 11);
  rate(&SimFaults::send_buffer_bytes, 4, 16);
  rate(&SimFaults::receive_buffer_bytes, 4, 16);
  if (prng.one_in(3)) faults.break_one_in = draw_log(prng, 7, 12);
  rate(&SimFaults::reset_overtakes_one_in, 0, 3);
  rate(&SimFaults::backlog, 0, 5);

  rate(&SimFaults::buffer_count, 0, 5);
  rate(&SimFaults::buffer_bytes, 5, 12);
  rate(&SimFaults::receive_bytes_max, 0, 12);
  rate(&SimFaults::multishot_end_one_in, 0, 7);
  rate(&SimFaults::end_buffer_one_in, 0, 3);
  rate(&SimFaults::hold_one_in, 1, 4);
  rate(&SimFaults::send_chunk_bytes_max, 0, 12);
  rate(&SimFaults::send_late_one_in, 0, 4);
  rate(&SimFaults::cancel_late_one_in, 1, 3);
  rate(&SimFaults::accept_error_one_in, 1, 6);
  rate(&SimFaults::accept_abort_one_in, 2, 6);
  if (prng.one_in(4)) faults.fd_limit = 4 + prng.below(16);
  rate(&SimFaults::cq_entries, 1, 6);
  rate(&SimFaults::reap_max, 1, 6);

  rate(&SimFaults::empty_turn_one_in, 2, 6);
  rate(&SimFaults::wake_delay_us_max, 0, 12);
  rate(&SimFaults::spurious_wake_one_in, 3, 8);
  rate(&SimFaults::turn_us_max, 0, 9);
  rate(&SimFaults::shard_stall_one_in, 5, 10);
  faults.shard_stall_ms_max = draw_log(prng, 0, 8);
  const std::uint64_t slow = 1 + prng.below(shard_count);
  if (on()) faults.slow_shard = slow;
  rate(&SimFaults::event_weight, 0, 4);
  return faults;
}

void SimFaults::heal() {
  stall_one_in = break_one_in = 0;
  multishot_end_one_in = end_buffer_one_in = hold_one_in = 0;
  send_late_one_in = cancel_late_one_in = 0;
  accept_error_one_in = accept_abort_one_in = fd_limit = 0;
  empty_turn_one_in = spurious_wake_one_in = 0;
  shard_stall_one_in = slow_shard = 0;
  cut_bytes_max = receive_bytes_max = send_chunk_bytes_max = 65536;
  latency_us_max = 100;
  send_buffer_bytes = receive_buffer_bytes = 65536;
}

std::string SimFaults::to_text() const {
  const SimFaults quiet;
  std::string text;
  for (const Field& field : fields) {
    if (this->*field.value == quiet.*field.value) continue;
    if (!text.empty()) text += ' ';
    text += field.name;
    text += '=';
    text += std::to_string(this->*field.value);
  }
  return text.empty() ? "none" : text;
}

bool SimFaults::set(std::string_view name, std::uint64_t value) {
  for (const Field& field : fields) {
    if (field.name != name) continue;
    this->*field.value = value;
    return true;
  }
  return false;
}

}  // namespace ringpost::sim
