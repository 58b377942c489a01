#include "tools/talk/input.h"

#include "engine/base/assert.h"

namespace ringpost::talk {

using engine::Bytes;

Input::Input(const WireOptions& options)
    : options_(options),
      parser_(line::LineEnd::any, static_cast<std::size_t>(options.message_bytes_max)),
      header_(options.framing()) {}

void Input::feed(Bytes bytes, std::string& out) {
  if (ended()) return;
  kept_ += bytes;
  Bytes rest = kept_;
  while (!ended()) {
    const line::LineResult next = parser_.next(rest);
    rest.remove_prefix(next.consumed);
    if (next.status == line::LineStatus::need_more) break;
    if (next.status == line::LineStatus::line) {
      append(next.line, out);
    } else {
      ++skipped_;
    }
  }
  kept_.erase(0, kept_.size() - rest.size());
}

void Input::finish(std::string& out) {
  if (ended()) return;
  if (const auto last = parser_.finish(kept_)) append(*last, out);
  kept_.clear();
}

void Input::append(Bytes line, std::string& out) {
  ++lines_;
  if (options_.frames) {
    const std::size_t begin = out.size();
    out.resize(begin + header_.header_bytes());
    const length_delimited::Errc wrong = header_.write(line.size(), &out[begin]);
    ASSERT(wrong == length_delimited::Errc::none);  // lines have the same limit
  }
  out += line;
  if (!options_.frames) out += options_.crlf ? "\r\n" : "\n";
}

}  // namespace ringpost::talk
