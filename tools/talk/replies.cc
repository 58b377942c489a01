#include "tools/talk/replies.h"

#include <algorithm>

namespace ringpost::talk {

using engine::Bytes;

namespace {

// The first bytes; the others stay.
Bytes take(Bytes& bytes, std::uint64_t count_max) {
  const Bytes taken =
      bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(count_max, bytes.size())));
  bytes.remove_prefix(taken.size());
  return taken;
}

}  // namespace

Replies::Replies(const WireOptions& options) : options_(options), frames_(options.framing()) {}

void Replies::reset() { header_.clear(); }

Replies::Status Replies::feed(Bytes bytes, std::string& out) {
  return options_.frames ? feed_frames(bytes, out) : feed_lines(bytes, out);
}

Replies::Status Replies::feed_lines(Bytes bytes, std::string& out) {
  const std::size_t end = options_.once ? bytes.find('\n') : Bytes::npos;
  if (end == Bytes::npos) {
    out += bytes;
    return Status::more;
  }
  out += bytes.substr(0, end + 1);
  return Status::reply;
}

Replies::Status Replies::feed_frames(Bytes bytes, std::string& out) {
  while (!bytes.empty()) {
    if (header_.size() < frames_.header_bytes()) {
      header_ += take(bytes, frames_.header_bytes() - header_.size());
      const length_delimited::Header header = frames_.header(header_);
      if (header.errc != length_delimited::Errc::none) return Status::too_long;
      if (header_.size() < frames_.header_bytes()) break;
      left_ = header.frame_bytes - header_.size();
    }
    const Bytes payload = take(bytes, left_);
    out += payload;
    left_ -= payload.size();
    if (left_ != 0) break;
    out += '\n';
    header_.clear();
    if (options_.once) return Status::reply;
  }
  return Status::more;
}

}  // namespace ringpost::talk
