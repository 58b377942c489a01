#include "protocols/relay/json_scanner.h"

#include <bit>
#include <charconv>
#include <system_error>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "engine/base/assert.h"
#include "protocols/relay/scratch.h"

namespace ringpost::relay {

namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What a string cannot hold as it is: its end, an escape, a control character.
bool is_special(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

const char* find_special(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1f);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i found =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmpeq_epi8(_mm_max_epu8(bytes, control), control));
    const auto bits = static_cast<std::uint32_t>(_mm_movemask_epi8(found));
    if (bits != 0) return at + std::countr_zero(bits);
  }
#endif
  while (at != end && !is_special(*at)) ++at;
  return at;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto last = [](std::uint32_t bits) { return static_cast<char>(0x80 | (bits & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xc0 | code >> 6), last(code)};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xe0 | code >> 12), last(code >> 6), last(code)};
  } else {
    out += {static_cast<char>(0xf0 | code >> 18), last(code >> 12), last(code >> 6), last(code)};
  }
}

}  // namespace

void JsonScanner::begin(Bytes text) {
  at_ = text.data();
  end_ = at_ + text.size();
  text_bytes_ = text.size();
  decoded_.clear();
}

void JsonScanner::drop_scratch() {
  begin({});
  drop_if_large(decoded_);
  drop_if_large(nesting_);
}

char JsonScanner::next() {
  while (at_ != end_ && is_space(*at_)) ++at_;
  return at_ == end_ ? '\0' : *at_;
}

bool JsonScanner::take(char wanted) {
  if (next() != wanted) return false;
  ++at_;
  return true;
}

bool JsonScanner::name(Bytes& value) { return next() == '"' && string(value) && take(':'); }

// --- Strings -------------------------------------------------------------------------------------

bool JsonScanner::string(Bytes& value) {
  DASSERT(*at_ == '"');
  const char* const begin = ++at_;
  at_ = find_special(at_, end_);
  if (at_ == end_) return false;
  if (*at_ != '"') return decode(begin, value);
  value = Bytes(begin, static_cast<std::size_t>(at_ - begin));
  ++at_;
  return true;
}

// The string from `begin` on, of which `at_` is the first special character.
bool JsonScanner::decode(const char* begin, Bytes& value) {
  // No string is longer for being decoded, so those that were given stay where they are.
  if (decoded_.empty()) decoded_.reserve(text_bytes_);
  const std::size_t first = decoded_.size();
  decoded_.append(begin, at_);
  while (at_ != end_ && *at_ == '\\') {
    if (!decode_escape()) return false;
    const char* const plain = at_;
    at_ = find_special(at_, end_);
    decoded_.append(plain, at_);
  }
  if (at_ == end_ || *at_ != '"') return false;
  ++at_;
  value = Bytes(decoded_).substr(first);
  return true;
}

bool JsonScanner::decode_escape() {
  constexpr Bytes letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  if (end_ - at_ < 2) return false;
  const char letter = at_[1];
  at_ += 2;
  if (letter == 'u') return decode_unicode();
  const std::size_t index = letters.find(letter);
  if (index == Bytes::npos) return false;
  decoded_ += meanings[index];
  return true;
}

// A character beyond the first 65,536 is two escapes, of which neither may stand alone.
bool JsonScanner::decode_unicode() {
  const auto unit = take_unit();
  if (!unit || (*unit >= 0xdc00 && *unit < 0xe000)) return false;
  std::uint32_t code = *unit;
  if (code >= 0xd800 && code < 0xdc00) {
    if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return false;
    at_ += 2;
    const auto low = take_unit();
    if (!low || *low < 0xdc00 || *low >= 0xe000) return false;
    code = 0x10000 + ((code - 0xd800) << 10) + (*low - 0xdc00);
  }
  append_utf8(decoded_, code);
  return true;
}

// Four hex digits.
std::optional<std::uint32_t> JsonScanner::take_unit() {
  std::uint32_t unit = 0;
  if (end_ - at_ < 4) return std::nullopt;
  const auto [stop, error] = std::from_chars(at_, at_ + 4, unit, 16);
  if (error != std::errc() || stop != at_ + 4) return std::nullopt;
  at_ = stop;
  return unit;
}

// --- Other values --------------------------------------------------------------------------------

bool JsonScanner::skip_digits() {
  const char* const begin = at_;
  while (at_ != end_ && is_digit(*at_)) ++at_;
  return at_ != begin;
}

bool JsonScanner::number(Bytes& value) {
  const char* const begin = at_;
  if (*at_ == '-') ++at_;
  if (at_ != end_ && *at_ == '0') {
    ++at_;
  } else if (!skip_digits()) {
    return false;
  }
  if (at_ != end_ && *at_ == '.') {
    ++at_;
    if (!skip_digits()) return false;
  }
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!skip_digits()) return false;
  }
  value = Bytes(begin, static_cast<std::size_t>(at_ - begin));
  return true;
}

bool JsonScanner::skip_word(Bytes word) {
  if (!Bytes(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool JsonScanner::skip_scalar() {
  Bytes ignored;
  switch (next()) {
    case '"':
      return string(ignored);
    case 't':
      return skip_word("true");
    case 'f':
      return skip_word("false");
    case 'n':
      return skip_word("null");
    default:
      return (next() == '-' || is_digit(next())) && number(ignored);
  }
}

// Without recursion: deep ones do not use up the stack.
bool JsonScanner::skip() {
  Bytes ignored;
  nesting_.clear();
  do {
    const char first = next();
    if (first == '{' || first == '[') {
      ++at_;
      const char last = first == '{' ? '}' : ']';
      if (!take(last)) {
        nesting_.push_back(last);
        if (first == '{' && !name(ignored)) return false;
        continue;  // with the value within
      }
    } else if (!skip_scalar()) {
      return false;
    }
    // Behind a value: another one, or the end of what is around it.
    while (!nesting_.empty() && !take(',')) {
      if (!take(nesting_.back())) return false;
      nesting_.pop_back();
    }
    if (!nesting_.empty() && nesting_.back() == '}' && !name(ignored)) return false;
  } while (!nesting_.empty());
  return true;
}

}  // namespace ringpost::relay
