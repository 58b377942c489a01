#pragma once

// LineParser as a connection drives it, and beside it the same rules in the plainest words. Used by
// tests and fuzzers alike, so what must hold is asserted.

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/assert.h"
#include "protocols/line/parser.h"

namespace ringpost::line {

// What comes out of a stream.
struct Event {
  enum class Kind { line, too_long, last };
  // NOLINTNEXTLINE(google-explicit-constructor): a text is a line.
  Event(std::string bytes) : text(std::move(bytes)) {}
  Event(const char* bytes) : text(bytes) {}
  Event(Kind what, std::string bytes) : kind(what), text(std::move(bytes)) {}
  bool operator==(const Event&) const = default;

  Kind kind = Kind::line;
  std::string text;
};
using Events = std::vector<Event>;

inline const Event too_long_mark(Event::Kind::too_long, "");
// A line that ended with the stream.
inline Event last_line(std::string text) { return {Event::Kind::last, std::move(text)}; }

// Keeps what was not consumed, as a connection does, in a heap block of exactly its size, so that
// a sanitizer sees any read outside of it.
class Feeder {
 public:
  Feeder(LineEnd line_end, std::size_t limit) : parser_(line_end, limit) {}

  void feed(Bytes piece) {
    std::vector<char> held(rest_.begin(), rest_.end());
    held.insert(held.end(), piece.begin(), piece.end());
    held.shrink_to_fit();
    std::size_t done = 0;
    for (;;) {
      const LineResult r = parser_.next(Bytes(held.data() + done, held.size() - done));
      done += r.consumed;
      ASSERT(done <= held.size());
      if (r.status == LineStatus::line) events_.emplace_back(std::string(r.line));
      if (r.status == LineStatus::too_long) events_.push_back(too_long_mark);
      if (r.status == LineStatus::need_more) break;
      ASSERT(r.consumed > 0);
    }
    rest_.assign(held.data() + done, held.size() - done);
    ASSERT(rest_.size() <= parser_.partial_bytes_max());
  }

  void finish() {
    const std::optional<Bytes> last = parser_.finish(rest_);
    if (last) events_.push_back(last_line(std::string(*last)));
  }

  const Events& events() const { return events_; }
  const std::string& rest() const { return rest_; }

 private:
  LineParser parser_;
  std::string rest_;
  Events events_;
};

// The same rules in the plainest words: find the end, cut, compare with the limit.
inline Events model(LineEnd line_end, std::size_t limit, const std::string& stream) {
  Events events;
  std::string rest = stream;
  const std::string mark = line_end == LineEnd::crlf ? "\r\n" : "\n";
  for (std::size_t at; (at = rest.find(mark)) != std::string::npos;) {
    std::string line = rest.substr(0, at);
    rest = rest.substr(at + mark.size());
    if (line_end == LineEnd::any && !line.empty() && line.back() == '\r') line.pop_back();
    events.push_back(line.size() > limit ? too_long_mark : Event(line));
  }
  if (!rest.empty()) {
    if (rest.back() == '\r') rest.pop_back();
    events.push_back(rest.size() > limit ? too_long_mark : last_line(rest));
  }
  return events;
}

inline Events fed_in(LineEnd line_end, std::size_t limit, const std::vector<std::string>& pieces) {
  Feeder feeder(line_end, limit);
  for (const std::string& piece : pieces) feeder.feed(piece);
  feeder.finish();
  return feeder.events();
}

}  // namespace ringpost::line
