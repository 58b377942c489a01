#include "protocols/http/body_parser.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace ringpost::http {

namespace {

bool is_blank(unsigned char c) { return c == ' ' || c == '\t'; }

}  // namespace

Errc BodyParser::begin(BodyKind kind, std::uint64_t content_length) {
  left_ = content_ = 0;
  extra_ = 0;
  digits_ = 0;
  switch (kind) {
    case BodyKind::none:
      state_ = State::over;
      return Errc::none;
    case BodyKind::length:
      left_ = content_length;
      state_ = State::content;
      return left_ > limits_.body_bytes_max ? Errc::body_too_large : Errc::none;
    case BodyKind::chunked:
      state_ = State::chunk_size;
      return Errc::none;
    case BodyKind::until_close:
      state_ = State::until_close;
      return Errc::none;
  }
  return Errc::none;
}

BodyResult BodyParser::next(Bytes input) {
  std::size_t used = 0;
  while (state_ != State::over && used != input.size()) {
    if (state_ == State::content || state_ == State::chunk_content) {
      return take_content(input, used);
    }
    if (state_ == State::until_close) return take_all(input);
    const Errc errc = on_framing(static_cast<unsigned char>(input[used]));
    if (errc != Errc::none) return {BodyStatus::error, errc, used, {}};
    ++used;
  }
  const BodyStatus status = state_ == State::over ? BodyStatus::end : BodyStatus::need_more;
  return {status, Errc::none, used, {}};
}

BodyResult BodyParser::take_content(Bytes input, std::size_t used) {
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - used));
  left_ -= bytes;
  if (left_ == 0) state_ = state_ == State::content ? State::over : State::chunk_cr;
  return {BodyStatus::content, Errc::none, used + bytes, input.substr(used, bytes)};
}

BodyResult BodyParser::take_all(Bytes input) {
  if (input.size() > limits_.body_bytes_max - content_) {
    return {BodyStatus::error, Errc::body_too_large, 0, {}};
  }
  content_ += input.size();
  return {BodyStatus::content, Errc::none, input.size(), input};
}

Errc BodyParser::on_framing(unsigned char c) {
  const auto expect = [&](char wanted, State then) {
    if (c != wanted) return Errc::bad_chunk;
    state_ = then;
    return Errc::none;
  };
  switch (state_) {
    case State::chunk_size:
      return on_size(c);
    case State::extension_blank:
    case State::extension_begin:
    case State::extension_name:
    case State::extension_equals:
    case State::extension_value_begin:
    case State::extension_value:
    case State::extension_quoted:
    case State::extension_escaped:
    case State::extension_quoted_end:
      return on_extension(c);
    case State::chunk_size_lf:
      return c == '\n' ? on_size_line_end() : Errc::bad_chunk;
    case State::chunk_cr:
      return expect('\r', State::chunk_lf);
    case State::chunk_lf:
      return expect('\n', State::chunk_size);
    case State::trailer_begin:
    case State::trailer_name:
    case State::trailer_value:
      return on_trailer(c);
    case State::trailer_lf:
      return expect('\n', State::trailer_begin);
    case State::last_lf:
      return expect('\n', State::over);
    case State::content:
    case State::chunk_content:
    case State::until_close:
    case State::over:
      break;
  }
  ASSERT(!"a byte of framing");
}

Errc BodyParser::on_size(unsigned char c) {
  const int value = hex_value(c);
  if (value >= 0) {
    // So many zeros in front have no good reason, and 16 digits fit.
    if (++digits_ > 16) return Errc::bad_chunk;
    left_ = left_ << 4 | static_cast<unsigned>(value);
    return Errc::none;
  }
  if (digits_ == 0) return Errc::bad_chunk;
  return end_part(c);
}

// Behind a size, or the name or value of an extension.
Errc BodyParser::end_part(unsigned char c) {
  if (c == '\r') {
    state_ = State::chunk_size_lf;
    return Errc::none;
  }
  if (c != ';' && !is_blank(c)) return Errc::bad_chunk;
  state_ = c == ';' ? State::extension_begin : State::extension_blank;
  return count_extra();
}

// *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) (section 7.1.1)
Errc BodyParser::on_extension(unsigned char c) {
  const auto go_on = [&](bool right, State then) {
    if (!right) return Errc::bad_chunk;
    state_ = then;
    return count_extra();
  };
  const bool blank = is_blank(c);
  switch (state_) {
    case State::extension_blank:
      return go_on(blank || c == ';', blank ? state_ : State::extension_begin);
    case State::extension_begin:
      return go_on(blank || token_bytes[c], blank ? state_ : State::extension_name);
    case State::extension_name:
      if (token_bytes[c]) return count_extra();
      if (blank) return go_on(true, State::extension_equals);
      return c == '=' ? go_on(true, State::extension_value_begin) : end_part(c);
    case State::extension_equals:
      if (c == '=') return go_on(true, State::extension_value_begin);
      return go_on(blank || c == ';', blank ? state_ : State::extension_begin);
    case State::extension_value_begin:
      if (c == '"') return go_on(true, State::extension_quoted);
      return go_on(blank || token_bytes[c], blank ? state_ : State::extension_value);
    case State::extension_value:
      return token_bytes[c] ? count_extra() : end_part(c);
    case State::extension_quoted:
      if (c == '"') return go_on(true, State::extension_quoted_end);
      return go_on(value_bytes[c], c == '\\' ? State::extension_escaped : state_);
    case State::extension_escaped:
      return go_on(value_bytes[c], State::extension_quoted);
    case State::extension_quoted_end:
      return end_part(c);
    default:
      break;
  }
  ASSERT(!"a byte of an extension");
}

Errc BodyParser::on_size_line_end() {
  digits_ = 0;
  if (left_ > limits_.body_bytes_max - content_) return Errc::body_too_large;
  content_ += left_;
  state_ = left_ == 0 ? State::trailer_begin : State::chunk_content;
  return Errc::none;
}

// Lines as in a head, of which nothing is kept.
Errc BodyParser::on_trailer(unsigned char c) {
  if (c == '\r' && state_ != State::trailer_name) {
    state_ = state_ == State::trailer_begin ? State::last_lf : State::trailer_lf;
    return Errc::none;
  }
  if (state_ == State::trailer_value) return value_bytes[c] ? count_extra() : Errc::bad_chunk;
  if (c == ':' && state_ == State::trailer_name) {
    state_ = State::trailer_value;
    return count_extra();
  }
  if (!token_bytes[c]) return Errc::bad_chunk;
  state_ = State::trailer_name;
  return count_extra();
}

Errc BodyParser::count_extra() {
  return ++extra_ > limits_.trailer_bytes_max ? Errc::head_too_large : Errc::none;
}

}  // namespace ringpost::http
