#include "tools/ringpost/system_sources.h"

#include <sys/random.h>

#include <ctime>

#include "engine/base/assert.h"

namespace ringpost::daemon {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  const ssize_t got = ::getrandom(&seed, sizeof seed, 0);
  ASSERT(got == sizeof seed);
  return seed;
}

relay::ClientId RandomIds::next() {
  if (left_ == 0) {
    const ssize_t got = ::getrandom(ids_.data(), sizeof ids_, 0);
    ASSERT(got == sizeof ids_);
    left_ = ids_.size();
  }
  return relay::ClientId(ids_[--left_]);
}

engine::Nanos SystemClock::unix_nanos() const {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * engine::nanos_per_s + time.tv_nsec;
}

}  // namespace ringpost::daemon
