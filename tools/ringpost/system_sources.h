#pragma once

// Randomness and the time of day as the kernel has them, for those that are passed them.

#include <array>
#include <cstdint>

#include "protocols/http/session.h"
#include "protocols/relay/client_id.h"

namespace ringpost::daemon {

std::uint64_t random_seed();

// Ids that nobody can guess; the kernel is asked once for many.
class RandomIds final : public relay::ClientIdSource {
 public:
  relay::ClientId next() override;

 private:
  using Id = std::array<std::uint8_t, 16>;

  std::array<Id, 16> ids_;  // getrandom gives 256 bytes whole
  std::size_t left_ = 0;
};

class SystemClock final : public http::WallClock {
 public:
  engine::Nanos unix_nanos() const override;
};

}  // namespace ringpost::daemon
