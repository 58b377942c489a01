#include "protocols/http/body_parser.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace ringpost::http {

namespace {

// -1: not a digit.
int hex_value(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const unsigned char lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

Errc BodyParser::begin(const Request& request) {
  left_ = content_ = 0;
  extra_ = 0;
  digits_ = 0;
  switch (request.body) {
    case BodyKind::none:
      state_ = State::over;
      return Errc::none;
    case BodyKind::length:
      left_ = request.content_length;
      state_ = State::content;
      return left_ > limits_.body_bytes_max ? Errc::body_too_large : Errc::none;
    case BodyKind::chunked:
      state_ = State::chunk_size;
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

Errc BodyParser::on_framing(unsigned char c) {
  const auto expect = [&](char wanted, State then) {
    if (c != wanted) return Errc::bad_chunk;
    state_ = then;
    return Errc::none;
  };
  switch (state_) {
    case State::chunk_size:
      return on_size(c);
    case State::chunk_extension:
      if (c == '\r') return expect('\r', State::chunk_size_lf);
      return value_bytes[c] ? count_extra() : Errc::bad_chunk;
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
  if (c == '\r') {
    state_ = State::chunk_size_lf;
    return Errc::none;
  }
  if (c != ';') return Errc::bad_chunk;
  state_ = State::chunk_extension;
  return count_extra();
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
