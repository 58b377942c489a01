#pragma once

// A stream of messages of equal size that begins again after a period: what a scenario sends, or
// what it must receive. Kept as one text, so that to send or to compare any piece of the stream
// needs no copy.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "perf/client/socket.h"

namespace ringpost::perf {

// What the stream repeats: whole messages, or a pattern that messages of any size run through.
struct Period {
  std::string text;
  std::size_t message_bytes;
};

class RepeatedStream {
 public:
  // A slice is at most `slice_bytes_max` long.
  RepeatedStream(Period period, std::size_t slice_bytes_max);

  std::string_view slice(std::uint64_t position, std::size_t bytes) const {
    return std::string_view(text_).substr(position % period_bytes_, bytes);
  }
  std::size_t message_bytes() const { return message_bytes_; }

  // Where a connection begins. Neighbours begin at different messages, so that the bytes of one
  // that end up at the other show.
  std::uint64_t start(std::size_t connection) const {
    constexpr std::size_t stride = 37;
    const std::size_t messages = std::max<std::size_t>(1, period_bytes_ / message_bytes_);
    return connection * stride % messages * message_bytes_;
  }

 private:
  const std::size_t period_bytes_;
  const std::size_t message_bytes_;
  std::string text_;  // The period, and as much of its repetition as a slice may reach into.
};

// What several connections receive, compared byte for byte with the stream.
class StreamChecker {
 public:
  // The stream outlives the checker and has slices as large as the largest read.
  StreamChecker(const RepeatedStream& stream, std::size_t connections);

  // Returns how many messages these bytes completed.
  std::size_t check(std::size_t connection, std::span<const char> bytes) {
    State& state = connections_[connection];
    if (stream_.slice(state.position, bytes.size()) !=
        std::string_view(bytes.data(), bytes.size())) {
      die("connection " + std::to_string(connection) + ": a byte differs behind message " +
          std::to_string((state.position - stream_.start(connection)) / stream_.message_bytes()));
    }
    state.position += bytes.size();
    const std::size_t begun = state.partial_bytes + bytes.size();
    state.partial_bytes = begun % stream_.message_bytes();
    return begun / stream_.message_bytes();
  }

 private:
  struct State {
    std::uint64_t position = 0;
    std::size_t partial_bytes = 0;  // Of the message that is half received.
  };

  const RepeatedStream& stream_;
  std::vector<State> connections_;
};

}  // namespace ringpost::perf
