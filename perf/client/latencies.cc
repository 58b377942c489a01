#include "perf/client/latencies.h"

#include <algorithm>

#include "perf/client/meter.h"
#include "perf/client/socket.h"

namespace ringpost::perf {

double Latencies::percentile(double share) {
  if (samples_.empty()) die("no samples");
  const auto rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(samples_.size() - 1));
  std::nth_element(samples_.begin(), samples_.begin() + rank, samples_.end());
  return static_cast<double>(samples_[static_cast<std::size_t>(rank)]);
}

std::string Latencies::json() {
  return field("p50_ns", percentile(0.5)) + field("p99_ns", percentile(0.99)) +
         field("p999_ns", percentile(0.999));
}

}  // namespace ringpost::perf
