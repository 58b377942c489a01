#pragma once

// The parsers as a connection drives them, and beside them the same rules in the plainest words.
// Used by tests and fuzzers alike, so what must hold is asserted.

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/assert.h"
#include "protocols/http/body_parser.h"
#include "protocols/http/request_parser.h"

namespace ringpost::http {

// What comes out of a stream, in words: "GET /a?b 1.1 keep none [host: x]", "body: ...", "error 400
// ..." at the end. Whatever differs between two parsers shows in it.
using Events = std::vector<std::string>;

inline std::string error_event(Errc errc) {
  return "error " + std::to_string(status_of(errc)) + " " + std::to_string(static_cast<int>(errc));
}

inline std::string text_of(const Request& r) {
  std::string text(r.method_name);
  text += " " + std::string(r.path) + " ? " + std::string(r.query) + " 1." +
          std::to_string(r.minor_version) + (r.keep_alive ? " keep" : " close");
  if (r.expects_continue) text += " continue";
  if (r.wants_upgrade) text += " upgrade";
  if (r.body == BodyKind::length) text += " length " + std::to_string(r.content_length);
  if (r.body == BodyKind::chunked) text += " chunked";
  for (const Field& field : r.fields()) {
    text += " [" + std::string(field.name) + ": " + std::string(field.value) + "]";
  }
  return text;
}

// Keeps what was not consumed, as a connection does, in a heap block of exactly its size, so that
// a sanitizer sees any read outside of it.
template <typename Parser, typename Head>
class FeederOf {
 public:
  template <typename... More>
  explicit FeederOf(const Limits& limits, More... more)
      : limits_(limits), head_(limits, more...), body_(limits) {}

  void feed(Bytes piece) {
    if (failed_) return;
    std::vector<char> held(rest_.begin(), rest_.end());
    held.insert(held.end(), piece.begin(), piece.end());
    held.shrink_to_fit();
    std::size_t done = 0;
    while (!failed_) {
      const Bytes input(held.data() + done, held.size() - done);
      const std::optional<std::size_t> used = in_body_ ? step_body(input) : step_head(input);
      if (!used) break;
      done += *used;
      ASSERT(done <= held.size());
    }
    if (!failed_) rest_.assign(held.data() + done, held.size() - done);
    ASSERT(rest_.size() < limits_.head_bytes_max);
  }

  // What came; of a body without an end, all that there is.
  Events events() const {
    Events events = events_;
    const bool is_open = !failed_ && in_body_ && head_is_.body == BodyKind::until_close;
    if (is_open) events.push_back("open: " + content_);
    return events;
  }

 private:
  // Bytes that were used; nothing: more are needed.
  std::optional<std::size_t> step_head(Bytes input) {
    const HeadResult r = head_.next(input, head_is_);
    if (r.status == HeadStatus::need_more) {
      if (r.consumed != 0) return r.consumed;
      return std::nullopt;
    }
    if (r.status == HeadStatus::error) return fail(r.errc);
    events_.push_back(text_of(head_is_));
    const Errc errc = body_.begin(head_is_.body, head_is_.content_length);
    if (errc != Errc::none) return fail(errc);
    in_body_ = head_is_.body != BodyKind::none;
    content_.clear();
    return r.consumed;
  }

  std::optional<std::size_t> step_body(Bytes input) {
    const BodyResult r = body_.next(input);
    switch (r.status) {
      case BodyStatus::content:
        ASSERT(!r.content.empty());
        content_ += r.content;
        ASSERT(content_.size() <= limits_.body_bytes_max);
        return r.consumed;
      case BodyStatus::end:
        in_body_ = false;
        events_.push_back("body: " + content_);
        return r.consumed;
      case BodyStatus::need_more:
        ASSERT(r.consumed == input.size());
        if (!input.empty()) return r.consumed;
        return std::nullopt;
      case BodyStatus::error:
        return fail(r.errc);
    }
    return std::nullopt;
  }

  std::optional<std::size_t> fail(Errc errc) {
    failed_ = true;
    rest_.clear();
    events_.push_back(error_event(errc));
    return std::nullopt;
  }

  const Limits& limits_;
  Parser head_;
  BodyParser body_;
  Head head_is_;
  std::string rest_;
  std::string content_;
  Events events_;
  bool in_body_ = false;
  bool failed_ = false;
};

using Feeder = FeederOf<RequestParser, Request>;

inline Events fed_in(const Limits& limits, const std::vector<std::string>& pieces) {
  Feeder feeder(limits);
  for (const std::string& piece : pieces) feeder.feed(piece);
  return feeder.events();
}

// --- The second implementation ------------------------------------------------------------------

// What requests and responses have in common. It has all the bytes at once, copies freely, and goes
// through the rules one after the other.
class MessageModel {
 protected:
  MessageModel(const Limits& limits, std::string stream)
      : limits_(limits), rest_(std::move(stream)) {}

  using Fields = std::vector<std::pair<std::string, std::string>>;

  static std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  }
  static bool is_token(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
      return c < 128 &&
             (std::isalnum(c) ||
              std::string("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string::npos) &&
             c != 0;
    });
  }
  static bool is_value(const std::string& text) {
    return std::all_of(text.begin(), text.end(),
                       [](unsigned char c) { return c == 9 || (c >= 32 && c != 127); });
  }
  static std::string strip(std::string text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.erase(0, 1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();
    return text;
  }
  static std::vector<std::string> split(const std::string& text, char by) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
      if (c == by) {
        parts.emplace_back();
      } else {
        parts.back() += c;
      }
    }
    return parts;
  }

  bool fail(Errc errc) {
    events_.push_back(error_event(errc));
    return false;
  }

  Errc any_field(const std::string& line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) return Errc::bad_field;
    const std::string name = line.substr(0, colon);
    const std::string value = strip(line.substr(colon + 1));
    if (!is_token(name) || !is_value(value)) return Errc::bad_field;
    const bool repeated = count(lower(name)) != 0;
    fields_.emplace_back(name, value);
    if (lower(name) == "content-length") {
      std::string digits = value;
      while (digits.size() > 1 && digits[0] == '0') digits.erase(0, 1);
      const bool number =
          !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos;
      const std::string most = "18446744073709551615";
      const bool fits =
          digits.size() < most.size() || (digits.size() == most.size() && digits <= most);
      if (repeated || !number || !fits) return Errc::bad_content_length;
    }
    if (lower(name) == "transfer-encoding" && repeated) return Errc::bad_transfer_encoding;
    if (lower(name) == "transfer-encoding" && lower(value) != "chunked") return codings(value);
    return Errc::none;
  }

  static Errc codings(const std::string& value) {
    std::vector<std::string> names;
    for (const std::string& element : split(value, ',')) {
      if (!strip(element).empty()) names.push_back(lower(strip(element)));
    }
    const bool right = names.size() > 1 && names.back() == "chunked" &&
                       std::count(names.begin(), names.end(), "chunked") == 1 &&
                       std::all_of(names.begin(), names.end(), is_token);
    return right ? Errc::unknown_coding : Errc::bad_transfer_encoding;
  }

  std::size_t count(const std::string& name) const {
    return static_cast<std::size_t>(std::count_if(
        fields_.begin(), fields_.end(), [&](const auto& f) { return lower(f.first) == name; }));
  }
  std::string last(const std::string& name) const {
    std::string value;
    for (const auto& f : fields_) {
      if (lower(f.first) == name) value = f.second;
    }
    return value;
  }
  // "HTTP/1.1" or "HTTP/1.0", or the wrong way of it.
  Errc version(const std::string& word, Errc wrong) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (word.size() != 8 || word.substr(0, 5) != "HTTP/" || !digit(word[5]) || word[6] != '.' ||
        !digit(word[7])) {
      return wrong;
    }
    if (word[5] != '1') return Errc::bad_version;
    minor_ = word[7] == '0' ? 0 : 1;
    return Errc::none;
  }

  Errc framing() const {
    if (count("transfer-encoding") == 0) return Errc::none;
    if (count("content-length") != 0) return Errc::two_lengths;
    return minor_ == 0 ? Errc::bad_transfer_encoding : Errc::none;
  }
  std::uint64_t content_length() const {
    return count("content-length") == 0 ? 0 : std::stoull(last("content-length"));
  }
  // A body of that length; false: it is not all there, or too much.
  bool body(std::uint64_t length) {
    if (length == 0) return true;
    if (length > limits_.body_bytes_max) return fail(Errc::body_too_large);
    if (rest_.size() < length) return false;
    events_.push_back("body: " + rest_.substr(0, length));
    rest_.erase(0, length);
    return true;
  }
  // Whether another may follow, as far as the fields say.
  bool keeps() const {
    return !connection_says("close") && (minor_ == 1 || connection_says("keep-alive"));
  }

  bool connection_says(const std::string& option) const {
    for (const auto& f : fields_) {
      if (lower(f.first) != "connection") continue;
      for (const std::string& element : split(f.second, ',')) {
        if (lower(strip(element)) == option) return true;
      }
    }
    return false;
  }

  // One byte off the front, or nothing.
  std::optional<char> take() {
    if (rest_.empty()) return std::nullopt;
    const char c = rest_[0];
    rest_.erase(0, 1);
    return c;
  }

  bool chunks() {
    std::string content;
    std::uint32_t extra = 0;
    for (;;) {
      std::string size;
      std::optional<char> c = take();
      while (c && std::isxdigit(static_cast<unsigned char>(*c))) {
        size += *c;
        if (size.size() > 16) return fail(Errc::bad_chunk);
        c = take();
      }
      if (!c) return false;
      if (size.empty()) return fail(Errc::bad_chunk);
      const Extensions extensions = extensions_of(*c + rest_);
      extra += static_cast<std::uint32_t>(extensions.bytes);
      if (extra > limits_.trailer_bytes_max) return fail(Errc::head_too_large);
      if (extensions.is_wrong) return fail(Errc::bad_chunk);
      for (std::size_t i = 0; i < extensions.bytes; ++i) c = take();
      if (!c) return false;
      if (*c != '\r') return fail(Errc::bad_chunk);
      c = take();
      if (!c) return false;
      if (*c != '\n') return fail(Errc::bad_chunk);
      const std::uint64_t bytes = std::stoull(size, nullptr, 16);
      if (bytes > limits_.body_bytes_max - content.size()) return fail(Errc::body_too_large);
      if (bytes == 0) break;
      if (rest_.size() < bytes) return false;
      content += rest_.substr(0, bytes);
      rest_.erase(0, bytes);
      for (const char wanted : {'\r', '\n'}) {
        c = take();
        if (!c) return false;
        if (*c != wanted) return fail(Errc::bad_chunk);
      }
    }
    return trailers(content, extra);
  }

  struct Extensions {
    std::size_t bytes;  // that are right
    bool is_wrong;      // the one behind them is not
  };

  // Goes through the grammar from the left; the end of the text may be anywhere.
  static Extensions extensions_of(const std::string& text) {
    std::size_t at = 0;
    const auto is = [&](char c) { return at < text.size() && text[at] == c; };
    const auto skip_blanks = [&] {
      const std::size_t before = at;
      while (is(' ') || is('\t')) ++at;
      return at != before;
    };
    const auto skip_token = [&] {
      const std::size_t before = at;
      while (at < text.size() && is_token(text.substr(at, 1))) ++at;
      return at != before;
    };
    for (;;) {
      const bool blanks = skip_blanks();
      if (is('\r') && !blanks) return {at, false};
      if (!is(';')) return {at, at != text.size()};
      ++at;
      skip_blanks();
      if (!skip_token()) return {at, at != text.size()};
      const std::size_t behind_name = at;
      skip_blanks();
      if (!is('=')) {
        if (at != text.size()) at = behind_name;
        continue;
      }
      ++at;
      skip_blanks();
      if (is('"')) {
        ++at;
        while (at < text.size() && !is('"')) {
          if (!is_value(text.substr(at, 1))) return {at, true};
          if (is('\\') && at + 1 < text.size() && is_value(text.substr(at + 1, 1))) ++at;
          ++at;
        }
        if (at == text.size()) return {at, false};
        ++at;
      } else if (!skip_token()) {
        return {at, at != text.size()};
      }
    }
  }

  bool trailers(const std::string& content, std::uint32_t extra) {
    for (;;) {
      std::string line;
      std::optional<char> c = take();
      bool in_value = false;
      for (; c && *c != '\r'; c = take()) {
        const std::string one(1, *c);
        const bool colon = !in_value && !line.empty() && *c == ':';
        if (in_value ? !is_value(one) : !colon && !is_token(one)) return fail(Errc::bad_chunk);
        if (colon) in_value = true;
        if (++extra > limits_.trailer_bytes_max) return fail(Errc::head_too_large);
        line += *c;
      }
      if (!c) return false;
      if (!line.empty() && !in_value) return fail(Errc::bad_chunk);
      c = take();
      if (!c) return false;
      if (*c != '\n') return fail(Errc::bad_chunk);
      if (line.empty()) break;
    }
    events_.push_back("body: " + content);
    return true;
  }

  Limits limits_;
  std::string rest_;
  Fields fields_;
  int minor_ = 1;
  Events events_;
};

class Model : MessageModel {
 public:
  Model(const Limits& limits, std::string stream) : MessageModel(limits, std::move(stream)) {}

  Events events() {
    while (request()) {
    }
    return events_;
  }

 private:
  // False: there is nothing more.
  bool request() {
    if (rest_.starts_with("\r\n")) rest_.erase(0, 2);
    // Lines, as far as they are whole and within the limit.
    const std::string window = rest_.substr(0, limits_.head_bytes_max);
    std::vector<std::string> lines;
    std::size_t begin = 0;
    bool bare = false;
    bool whole = false;
    while (!bare && !whole) {
      const std::size_t end = window.find_first_of("\r\n", begin);
      if (end == std::string::npos || (window[end] == '\r' && end + 1 == window.size())) break;
      bare = window[end] == '\n' || window[end + 1] != '\n';
      if (bare) break;
      lines.push_back(window.substr(begin, end - begin));
      begin = end + 2;
      whole = lines.back().empty();
    }
    fields_.clear();
    const bool has_first = !lines.empty() && !lines[0].empty();
    if (has_first) {
      const Errc errc = first_line(lines[0]);
      if (errc != Errc::none) return fail(errc);
    }
    if (bare) return fail(Errc::bare_line_end);
    if (!whole) {
      if (rest_.size() < limits_.head_bytes_max) return false;
      return fail(has_first ? Errc::head_too_large : Errc::target_too_long);
    }
    if (!has_first) return fail(Errc::bad_request_line);
    for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
      if (fields_.size() == fields_max) return fail(Errc::head_too_large);
      const Errc errc = field(lines[i]);
      if (errc != Errc::none) return fail(errc);
    }
    rest_.erase(0, begin);
    return conclude();
  }

  Errc first_line(const std::string& line) {
    std::vector<std::string> words = split(line, ' ');
    while (words.size() > 3) {  // spaces inside the target: wrong there, not here
      words[1] += " " + words[2];
      words.erase(words.begin() + 2);
    }
    if (words.size() != 3 || !is_token(words[0]) || words[1].empty()) return Errc::bad_request_line;
    const Errc errc = version(words[2], Errc::bad_request_line);
    if (errc != Errc::none) return errc;
    method_ = words[0];
    std::string target = words[1];
    if (target.size() > limits_.target_bytes_max) return Errc::target_too_long;
    for (const char c : target) {
      if (c <= 32 || c == 127 || c == '#') return Errc::bad_target;
    }
    if (!has_right_percents(target)) return Errc::bad_target;
    if (method_ == "CONNECT") return Errc::bad_target;
    if (target[0] != '/' && !(target == "*" && method_ == "OPTIONS")) {
      const std::string scheme = lower(target.substr(0, target.find(':')));
      if (scheme != "http" && scheme != "https") return Errc::bad_target;
      if (target.substr(scheme.size(), 3) != "://") return Errc::bad_target;
      target.erase(0, scheme.size() + 3);
      const std::size_t host = target.find_first_of("/?");
      if (!is_host_and_port(target.substr(0, host))) return Errc::bad_target;
      target = host == std::string::npos ? "/" : target.substr(host);
      if (target[0] == '?') target = "/" + target;
    }
    path_ = split(target, '?')[0];
    query_ = path_.size() == target.size() ? "" : target.substr(path_.size() + 1);
    return Errc::none;
  }

  Errc field(const std::string& line) {
    const Errc errc = any_field(line);
    if (errc != Errc::none) return errc;
    const auto& [name, value] = fields_.back();
    if (lower(name) == "host" && !value.empty() && !is_host_and_port(value)) return Errc::bad_host;
    if (lower(name) == "expect" && lower(value) != "100-continue") return Errc::bad_expectation;
    return Errc::none;
  }

  static bool has_right_percents(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%' && !is_hex(text.substr(i + 1, 2), 2, 2)) return false;
    }
    return true;
  }
  static bool is_hex(const std::string& text, std::size_t least, std::size_t most) {
    return text.size() >= least && text.size() <= most &&
           text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  }
  // Of names of hosts, and of addresses of the future.
  static bool is_name(const std::string& text, const std::string& more) {
    return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
      return c < 128 && (std::isalnum(c) ||
                         ("-._~!$&'()*+;=" + more).find(static_cast<char>(c)) != std::string::npos);
    });
  }

  static bool is_host_and_port(const std::string& value) {
    std::string host = value;
    if (value[0] == '[') {
      const std::size_t end = value.find(']');
      if (end == std::string::npos || !is_literal(value.substr(1, end - 1))) return false;
      host = value.substr(0, end + 1);
    } else {
      host = value.substr(0, value.find(':'));
      if (host.empty() || !is_name(host, "%") || !has_right_percents(host)) return false;
    }
    const std::string port = value.substr(host.size());
    return port.empty() ||
           (port[0] == ':' && port.find_first_not_of("0123456789", 1) == std::string::npos);
  }
  static bool is_literal(const std::string& text) {
    const std::size_t dot = text.find('.');
    if (text[0] == 'v' || text[0] == 'V') {
      return dot != std::string::npos && is_hex(text.substr(1, dot - 1), 1, dot) &&
             dot + 1 != text.size() && is_name(text.substr(dot + 1), ":");
    }
    const std::size_t gap = text.find("::");
    if (gap == std::string::npos) return groups(text) == 8;
    const int before = gap == 0 ? 0 : groups(text.substr(0, gap), false);
    const int behind = gap + 2 == text.size() ? 0 : groups(text.substr(gap + 2));
    return before >= 0 && behind >= 0 && before + behind <= 7;
  }
  // How many groups of an IPv6 address these are; -1: some are none.
  static int groups(const std::string& text, bool may_end_with_ipv4 = true) {
    int count = 0;
    const std::vector<std::string> parts = split(text, ':');
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const bool is_ipv4 = may_end_with_ipv4 && i + 1 == parts.size() && is_dotted(parts[i]);
      if (!is_ipv4 && !is_hex(parts[i], 1, 4)) return -1;
      count += is_ipv4 ? 2 : 1;
    }
    return count;
  }
  static bool is_dotted(const std::string& text) {
    const std::vector<std::string> parts = split(text, '.');
    return parts.size() == 4 &&
           std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
             return !part.empty() && part.size() <= 3 &&
                    part.find_first_not_of("0123456789") == std::string::npos &&
                    (part == "0" || part[0] != '0') && std::stoi(part) <= 255;
           });
  }

  bool conclude() {
    if (count("host") > 1 || (count("host") == 0 && minor_ == 1)) return fail(Errc::bad_host);
    if (framing() != Errc::none) return fail(framing());
    const bool chunked = count("transfer-encoding") != 0;
    const std::uint64_t length = content_length();
    std::string text = method_ + " " + path_ + " ? " + query_ + " 1." + std::to_string(minor_) +
                       (keeps() ? " keep" : " close");
    if (count("expect") != 0 && minor_ == 1 && (chunked || length != 0)) text += " continue";
    if (connection_says("upgrade")) text += " upgrade";
    if (length != 0) text += " length " + std::to_string(length);
    if (chunked) text += " chunked";
    for (const auto& [name, value] : fields_) {
      text += " [";
      text += name + ": " + value + "]";
    }
    events_.push_back(text);
    return chunked ? chunks() : body(length);
  }

  std::string method_;
  std::string path_;
  std::string query_;
};

inline Events model(const Limits& limits, const std::string& stream) {
  return Model(limits, stream).events();
}

}  // namespace ringpost::http
