#pragma once

// Why an io_uring could not be had: the step that failed, and its errno.

#include <cstdint>

namespace ringpost::engine {

enum class UringStep : std::uint8_t {
  setup,              // io_uring_setup refused every set of sizes
  features,           // the ring came up without a feature that the engine relies on
  register_ring,      // registering the ring's own descriptor
  buffer_ring,        // memory for, or registration of, the provided-buffer ring
  enter,              // the first io_uring_enter
  eventfd,            // the descriptor that wakes the shard from threads without a ring
  socket_pair,        // the self-test's own sockets
  multishot_receive,  // a receive did not fill a provided buffer, or did not stay armed
  cancel,             // a cancel by user_data did not end the receive
  message_ring,       // a message to a ring did not arrive
};

struct UringFailure {
  UringStep step = UringStep::setup;
  int error = 0;  // errno, positive; 0 when the outcome was wrong but no call failed
};

}  // namespace ringpost::engine
