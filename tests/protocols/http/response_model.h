#pragma once

// Responses, as model.h has requests.

#include "protocols/http/response_parser.h"
#include "tests/protocols/http/model.h"

namespace ringpost::http {

inline std::string text_of(const ResponseHead& r) {
  std::string text = std::to_string(r.status) + " 1." + std::to_string(r.minor_version) +
                     (r.keep_alive ? " keep" : " close");
  if (r.wants_upgrade) text += " upgrade";
  if (r.body == BodyKind::length) text += " length " + std::to_string(r.content_length);
  if (r.body == BodyKind::chunked) text += " chunked";
  return text + " [" + std::string(r.field_lines) + "]";
}

inline Events responses_fed_in(const Limits& limits, bool answers_head,
                               const std::vector<std::string>& pieces) {
  FeederOf<ResponseParser, ResponseHead> feeder(limits, answers_head);
  for (const std::string& piece : pieces) feeder.feed(piece);
  return feeder.events();
}

class ResponseModel : MessageModel {
 public:
  ResponseModel(const Limits& limits, bool answers_head, std::string stream)
      : MessageModel(limits, std::move(stream)), answers_head_(answers_head) {}

  Events events() {
    while (response()) {
    }
    return events_;
  }

 private:
  // False: there is nothing more.
  bool response() {
    const std::string window = rest_.substr(0, limits_.head_bytes_max);
    if (!std::string("HTTP/").starts_with(window.substr(0, 5))) return fail(Errc::bad_status_line);
    fields_.clear();
    status_.clear();
    field_lines_.clear();
    std::size_t begin = 0;
    for (;;) {
      const std::size_t end = window.find('\n', begin);
      if (end == std::string::npos) {
        return rest_.size() < limits_.head_bytes_max ? false : fail(Errc::head_too_large);
      }
      std::string line = window.substr(begin, end - begin);
      begin = end + 1;
      if (line.empty() || line.find('\r') != line.size() - 1) return fail(Errc::bare_line_end);
      line.pop_back();
      if (line.empty() && !status_.empty()) break;
      const bool is_first = status_.empty();
      const Errc errc = is_first ? status_line(line) : any_field(line);
      if (errc != Errc::none) return fail(errc);
      if (!is_first) field_lines_ += line + "\r\n";
    }
    rest_.erase(0, begin);
    return conclude();
  }

  Errc status_line(const std::string& line) {
    std::vector<std::string> words = split(line, ' ');
    if (words.size() < 2 || line.size() < 12) return Errc::bad_status_line;
    const Errc errc = version(words[0], Errc::bad_status_line);
    if (errc != Errc::none) return errc;
    status_ = words[1];
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const bool right = status_.size() == 3 && status_ >= "100" && status_ <= "599" &&
                       std::all_of(status_.begin(), status_.end(), digit) && is_value(line);
    return right ? Errc::none : Errc::bad_status_line;
  }

  bool conclude() {
    if (framing() != Errc::none) return fail(framing());
    const bool chunked = count("transfer-encoding") != 0;
    const bool bodyless =
        answers_head_ || status_[0] == '1' || status_ == "204" || status_ == "304";
    const std::uint64_t length = content_length();
    const bool open = !bodyless && !chunked && count("content-length") == 0;
    const bool keep = !open && keeps();
    std::string text = status_ + " 1." + std::to_string(minor_) + (keep ? " keep" : " close");
    if (connection_says("upgrade")) text += " upgrade";
    if (!bodyless && length != 0) text += " length " + std::to_string(length);
    if (!bodyless && chunked) text += " chunked";
    events_.push_back(text + " [" + field_lines_ + "]");
    if (bodyless) return true;
    if (chunked) return chunks();
    if (open) {
      if (rest_.size() > limits_.body_bytes_max) return fail(Errc::body_too_large);
      events_.push_back("open: " + rest_);
      return false;
    }
    return body(length);
  }

  bool answers_head_;
  std::string status_;
  std::string field_lines_;
};

inline Events response_model(const Limits& limits, bool answers_head, const std::string& stream) {
  return ResponseModel(limits, answers_head, stream).events();
}

}  // namespace ringpost::http
