// The suite that every Io has to pass, on SimIo: as it is, and in a world that cuts and delays but
// breaks nothing.

#include <memory>

#include "engine/base/kernel_owned.h"
#include "tests/engine/io/io_suite.h"
#include "tests/sim/sim_world.h"

namespace ringpost::sim {
namespace {

class SimIoWorld final : public engine::IoWorld {
 public:
  SimIoWorld(const engine::IoWorldOptions& options, SimFaults faults, std::uint64_t seed)
      : world_(seed, 1, with_buffers(faults, options)) {}
  ~SimIoWorld() override { EXPECT_EQ(world_.kernel_owned(0).count(), 0u); }

  engine::Io& io() override { return world_.io(0); }
  const engine::Clock& clock() override { return world_.clock(); }
  engine::Fd listen() override {
    last_listener_ = world_.network().listen();
    return last_listener_;
  }
  engine::SocketAddress address_of(engine::Fd listener) override {
    return SimNetwork::address(world_.network().port_of(listener));
  }

  // A turn, and if it sleeps, the network goes on until something wakes it. Without a wait the
  // network still moves a little, as a real one would.
  std::span<const engine::Completion> step(const engine::TurnLimits& limits,
                                           engine::SleepGate& gate) override {
    SimIo& io = world_.io(0);
    SimContext& context = world_.context();
    move_on(context.clock.now() + (limits.deadline <= context.clock.now() ? step_time : turn_time));
    auto completions = io.turn(limits, gate);
    while (io.is_asleep()) {
      while (!io.is_runnable()) {
        const engine::Nanos next = std::min(context.schedule.next_time(), io.sleep_deadline());
        if (next == engine::never) sim_fail("asleep for ever");
        move_on(std::max(next, context.clock.now()));
      }
      completions = io.turn({.deadline = 0, .completions_max = limits.completions_max}, gate);
    }
    return completions;
  }

 private:
  static constexpr engine::Nanos step_time = engine::nanos_per_ms;
  static constexpr engine::Nanos turn_time = 100 * engine::nanos_per_us;

  static SimFaults with_buffers(SimFaults faults, const engine::IoWorldOptions& options) {
    faults.buffer_count = options.buffer_count;
    faults.buffer_bytes = options.buffer_bytes;
    return faults;
  }
  void move_on(engine::Nanos time) {
    SimContext& context = world_.context();
    while (context.schedule.next_time() <= time) {
      context.clock.advance_to(std::max(context.schedule.next_time(), context.clock.now()));
      context.schedule.run_next();
    }
    context.clock.advance_to(time);
  }

  SimWorld world_;
  engine::Fd last_listener_ = engine::no_fd;
};

engine::IoWorldParam quiet() {
  return {"Quiet", [](const engine::IoWorldOptions& options) {
            return std::make_unique<SimIoWorld>(options, SimFaults{}, 1);
          }};
}

engine::IoWorldParam restless() {
  return {"Restless", [](const engine::IoWorldOptions& options) {
            SimFaults faults;
            faults.cut_bytes_max = 3000;
            faults.latency_us_max = 3000;
            faults.stall_one_in = 20;
            faults.stall_ms_max = 10;
            faults.receive_bytes_max = 2000;
            faults.hold_one_in = 3;
            faults.send_chunk_bytes_max = 20000;
            faults.send_late_one_in = 2;
            faults.wake_delay_us_max = 500;
            return std::make_unique<SimIoWorld>(options, faults, 2);
          }};
}

}  // namespace
}  // namespace ringpost::sim

namespace ringpost::engine {

INSTANTIATE_TEST_SUITE_P(SimIo, IoSuite,
                         ::testing::Values(ringpost::sim::quiet(), ringpost::sim::restless()),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace ringpost::engine
