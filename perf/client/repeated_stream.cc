#include "perf/client/repeated_stream.h"

#include <utility>

namespace ringpost::perf {

RepeatedStream::RepeatedStream(Period period, std::size_t slice_bytes_max)
    : period_bytes_(period.text.size()),
      message_bytes_(period.message_bytes),
      text_(std::move(period.text)) {
  text_.reserve(period_bytes_ + slice_bytes_max);
  while (text_.size() < period_bytes_ + slice_bytes_max) {
    text_.push_back(text_[text_.size() - period_bytes_]);
  }
}

StreamChecker::StreamChecker(const RepeatedStream& stream, std::size_t connections)
    : stream_(stream), connections_(connections) {
  for (std::size_t i = 0; i < connections; ++i) connections_[i].position = stream.start(i);
}

}  // namespace ringpost::perf
