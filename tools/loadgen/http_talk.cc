#include "tools/loadgen/http_talk.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "tools/loadgen/excerpt.h"

namespace ringpost::loadgen {

namespace {

constexpr std::uint32_t head_bytes_max = 64 * 1024;
// Requests are written in pieces of about that size.
constexpr std::size_t piece_bytes = 16 * 1024;
// Longer replies are not remembered: reading them costs more than parsing their head.
constexpr std::size_t last_bytes_max = 4096;
constexpr std::size_t in_an_earlier_read = SIZE_MAX;

std::string_view to_text(http::Errc errc) {
  switch (errc) {
    case http::Errc::bare_line_end:
      return "a line that does not end with CR LF";
    case http::Errc::bad_status_line:
      return "no HTTP/1.1 status line";
    case http::Errc::bad_version:
      return "a version that is not HTTP/1.x";
    case http::Errc::bad_field:
      return "no header field";
    case http::Errc::bad_content_length:
      return "a content-length that is no number, or stands there twice";
    case http::Errc::bad_transfer_encoding:
    case http::Errc::unknown_coding:
      return "a transfer-encoding that is not chunked";
    case http::Errc::two_lengths:
      return "both a content-length and a transfer-encoding";
    case http::Errc::bad_chunk:
      return "a chunk or trailer that is none";
    case http::Errc::head_too_large:
      return "a head of more than 64 KiB";
    case http::Errc::body_too_large:
      return "a body that is longer than --reply-max";
    default:
      return "no HTTP/1.1 response";
  }
}

}  // namespace

const std::string& FirstBodies::offer(std::uint16_t status, std::string body) {
  const std::lock_guard lock(mutex_);
  Place& first = places_[status - std::size_t{StatusCounts::status_min}];
  if (const std::string* kept = first.load(std::memory_order_relaxed)) return *kept;  // mutex_
  bodies_.push_back(std::make_unique<const std::string>(std::move(body)));
  // Pairs with the acquire in `find`.
  first.store(bodies_.back().get(), std::memory_order_release);
  return *bodies_.back();
}

HttpScript::HttpScript(const HttpOptions& http_options, const std::string& request)
    : options(http_options),
      limits{.head_bytes_max = head_bytes_max, .body_bytes_max = http_options.reply_bytes_max},
      asks_head(method_of(http_options) == "HEAD"),
      request_bytes(request.size()) {
  const std::size_t count = std::max<std::size_t>(piece_bytes / request.size(), 1);
  for (std::size_t i = 0; i < count; ++i) requests += request;
}

HttpTalk::HttpTalk(const HttpScript& script)
    : script_(script), head_parser_(script.limits, script.asks_head), body_parser_(script.limits) {}

void HttpTalk::open(engine::Link& link, TalkTarget& target) {
  link_ = &link;
  target_ = &target;
  target.on_ready();
}

void HttpTalk::request(std::uint64_t count) {
  unanswered_ += count;
  const std::uint64_t at_once = script_.requests.size() / script_.request_bytes;
  while (count != 0) {
    const std::uint64_t some = std::min(count, at_once);
    link_->write(Bytes(script_.requests).substr(0, some * script_.request_bytes));
    count -= some;
  }
}

std::uint64_t HttpTalk::fitting(std::uint64_t bytes_max) const {
  return bytes_max / script_.request_bytes;
}

// --- What comes ----------------------------------------------------------------------------------

std::size_t HttpTalk::read(Bytes bytes) {
  read_bytes_ = bytes;
  used_ = 0;
  while (!over_) {
    const Bytes rest = bytes.substr(used_);
    const auto used = in_body_ ? read_body(rest) : read_head(rest);
    if (!used) break;
    used_ += *used;
  }
  tell_run();
  bytes_before_ += used_;
  if (in_body_) began_at_ = in_an_earlier_read;
  return over_ ? bytes.size() : used_;
}

// Replies that are the last one again.
std::size_t HttpTalk::read_repeated(Bytes rest) {
  std::uint64_t count = 0;
  std::size_t used = 0;
  for (; rest.substr(used).starts_with(last_); used += last_.size()) ++count;
  if (count != 0) add_to_run(last_run_.status, last_run_.is_right, count);
  return used;
}

std::optional<std::size_t> HttpTalk::read_head(Bytes rest) {
  if (rest.empty()) return std::nullopt;
  if (!last_.empty()) [[likely]] {
    const std::size_t repeated = read_repeated(rest);
    if (repeated != 0) return repeated;
    if (last_.starts_with(rest)) return std::nullopt;  // perhaps once more
  }
  http::ResponseHead head;
  const http::HeadResult result = head_parser_.next(rest, head);
  if (result.status == http::HeadStatus::need_more) return std::nullopt;
  if (result.status == http::HeadStatus::error) {
    return on_malformed(result.errc, result.consumed, rest);
  }
  if (head.is_interim()) return result.consumed;
  if (head.status == 101) return on_malformed(http::Errc::bad_status_line, 0, rest);
  const http::Errc errc = body_parser_.begin(head.body, head.content_length);
  if (errc != http::Errc::none) return on_malformed(errc, 0, rest);
  began_at_ = used_;
  status_ = head.status;
  keep_alive_ = head.keep_alive;
  body_kind_ = head.body;
  body_bytes_ = 0;
  difference_.clear();
  const bool is_compared = !script_.options.any_body && script_.options.is_right(status_);
  first_ = is_compared ? script_.first_bodies->find(status_) : nullptr;
  in_body_ = true;
  return result.consumed;
}

std::optional<std::size_t> HttpTalk::read_body(Bytes rest) {
  if (body_kind_ == http::BodyKind::none) {
    finish_reply();
    return 0;
  }
  const http::BodyResult result = body_parser_.next(rest);
  switch (result.status) {
    case http::BodyStatus::content:
      check_content(result.content);
      return result.consumed;
    case http::BodyStatus::need_more:
      if (rest.empty()) return std::nullopt;
      return result.consumed;
    case http::BodyStatus::end:
      used_ += result.consumed;
      finish_reply();
      return 0;
    case http::BodyStatus::error:
      return on_malformed(result.errc, result.consumed, rest);
  }
  return std::nullopt;
}

// Nothing behind it can be understood. `at`: in `rest`, where it is wrong.
std::size_t HttpTalk::on_malformed(http::Errc errc, std::size_t at, Bytes rest) {
  tell_run();
  over_ = true;
  const Bytes here = rest.substr(std::min(at, rest.size()));
  target_->on_fault({FaultKind::corrupt, sequence_,
                     std::string(to_text(errc)) + ", at byte " +
                         std::to_string(bytes_before_ + used_ + at) +
                         " of the connection: " + excerpt(here.substr(0, here.find('\n')), 60)});
  target_->on_failed(1);
  target_->on_lost_track();
  return rest.size();
}

// --- The body ------------------------------------------------------------------------------------

void HttpTalk::check_content(Bytes piece) {
  if (first_ != nullptr) {
    const Bytes wanted =
        Bytes(*first_).substr(std::min<std::uint64_t>(body_bytes_, first_->size()), piece.size());
    if (difference_.empty() && wanted != piece) {
      const auto same = std::ranges::mismatch(wanted, piece).in1 - wanted.begin();
      const auto at = static_cast<std::size_t>(same);
      difference_ = "its body differs from byte " + std::to_string(body_bytes_ + at) +
                    " on: " + excerpt(piece.substr(at)) + " instead of " +
                    excerpt(wanted.substr(at));
    }
  } else if (!script_.options.any_body && script_.options.is_right(status_)) {
    own_body_ += piece;
  }
  body_bytes_ += piece.size();
}

// Compared with the first one of its status. Empty: nothing.
std::string HttpTalk::what_is_wrong_with_body() {
  if (script_.options.any_body || !script_.options.is_right(status_)) return "";
  if (first_ == nullptr) {
    const std::string own = std::exchange(own_body_, {});
    const std::string& first = script_.first_bodies->offer(status_, own);
    return first == own ? "" : "its body is not that of the first reply";
  }
  if (!difference_.empty()) return difference_;
  if (body_bytes_ == first_->size()) return "";
  return "its body has " + std::to_string(body_bytes_) + " bytes instead of " +
         std::to_string(first_->size());
}

void HttpTalk::finish_reply() {
  in_body_ = false;
  const std::string wrong = what_is_wrong_with_body();
  if (wrong.empty()) {
    const bool is_right = script_.options.is_right(status_);
    add_to_run(status_, is_right, 1);
    const bool is_whole = began_at_ != in_an_earlier_read && keep_alive_;
    if (is_whole && used_ - began_at_ <= last_bytes_max) {
      last_ = read_bytes_.substr(began_at_, used_ - began_at_);
      last_run_ = {status_, is_right, 1};
    }
  } else {
    tell_run();
    target_->on_fault({FaultKind::corrupt, sequence_, wrong});
    add_to_run(status_, false, 1);
  }
  if (!keep_alive_) {
    tell_run();
    over_ = true;
    target_->on_retired();
  }
}

void HttpTalk::add_to_run(std::uint16_t status, bool is_right, std::uint64_t count) {
  if (run_.status != status || run_.is_right != is_right) {
    tell_run();
    run_ = {status, is_right, 0};
  }
  run_.count += count;
  sequence_ += count;
}

void HttpTalk::tell_run() {
  const std::uint64_t count = std::exchange(run_.count, 0);
  if (count == 0) return;
  unanswered_ -= std::min(count, unanswered_);
  target_->on_statuses(run_.status, count);
  if (run_.is_right) {
    target_->on_replies(count);
  } else {
    target_->on_failed(count);
  }
}

void HttpTalk::ended(Bytes rest) {
  if (over_) return;
  if (in_body_ && body_kind_ == http::BodyKind::until_close) return finish_reply();
  if (in_body_ || !rest.empty()) {
    target_->on_fault({FaultKind::lost, sequence_,
                       "the connection ended within it, behind byte " +
                           std::to_string(bytes_before_ + rest.size())});
  } else if (unanswered_ == 0 && sequence_ != 0) {
    over_ = true;
    target_->on_retired();
  }
}

}  // namespace ringpost::loadgen
