#pragma once

// FrameParser as a connection drives it, and beside it the same rules in the plainest words. Used
// by tests and fuzzers alike, so what must hold is asserted.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/assert.h"
#include "protocols/websocket/parser.h"

namespace ringpost::websocket {

// What comes out of a stream, in words: "text hello", "ping x", "error 3" at the end.
using Events = std::vector<std::string>;

inline std::string name_of(Opcode opcode) {
  switch (opcode) {
    case Opcode::continuation:
      return "continuation";
    case Opcode::text:
      return "text";
    case Opcode::binary:
      return "binary";
    case Opcode::close:
      return "close";
    case Opcode::ping:
      return "ping";
    case Opcode::pong:
      return "pong";
  }
  return "?";
}

inline std::string error_event(Errc errc) {
  return "error " + std::to_string(close_code_of(errc)) + " " +
         std::to_string(static_cast<int>(errc));
}

inline std::string message_event(Opcode opcode, bool is_compressed, const std::string& message) {
  return (is_compressed ? "compressed " : "") + name_of(opcode) + " " + message;
}

// Keeps what was not consumed, as a connection does, in a heap block of exactly its size, so that
// a sanitizer sees any read outside of it.
class Feeder {
 public:
  Feeder(const Limits& limits, Role role, Compression compression)
      : limits_(limits), parser_(limits, role) {
    parser_.agree_on(compression);
  }

  void feed(Bytes piece) {
    if (failed_) return;
    std::vector<char> held(rest_.begin(), rest_.end());
    held.insert(held.end(), piece.begin(), piece.end());
    held.shrink_to_fit();
    std::size_t done = 0;
    bool more = true;
    while (more && !failed_) {
      const FrameResult r = parser_.next(Bytes(held.data() + done, held.size() - done));
      done += r.consumed;
      ASSERT(done <= held.size());
      more = take(r);
    }
    rest_.assign(held.data() + done, held.size() - done);
    if (!failed_) ASSERT(rest_.size() < 6 + control_bytes_max || rest_.size() < header_bytes_max);
  }

  const Events& events() const { return events_; }

 private:
  // False: it needs more.
  bool take(const FrameResult& r) {
    switch (r.status) {
      case FrameStatus::need_more:
        return false;
      case FrameStatus::error:
        failed_ = true;
        events_.push_back(error_event(r.errc));
        return false;
      case FrameStatus::control:
        ASSERT(r.payload.size() <= control_bytes_max);
        events_.push_back(name_of(r.opcode) + " " + plain(r));
        return true;
      case FrameStatus::data:
        ASSERT(r.is_first == !in_message_);
        if (r.is_first) message_.clear();
        message_ += plain(r);
        ASSERT(message_.size() <= limits_.message_bytes_max);
        in_message_ = !r.is_last;
        if (r.is_last) events_.push_back(message_event(r.opcode, r.is_compressed, message_));
        return true;
    }
    return false;
  }

  static std::string plain(const FrameResult& r) {
    std::string text(r.payload.size(), '\0');
    unmask(text.data(), r.payload, r.mask);
    return text;
  }

  const Limits& limits_;
  FrameParser parser_;
  std::string rest_;
  std::string message_;
  Events events_;
  bool in_message_ = false;
  bool failed_ = false;
};

inline Events fed_in(const Limits& limits, Role role, const std::vector<std::string>& pieces,
                     Compression compression = Compression::off) {
  Feeder feeder(limits, role, compression);
  for (const std::string& piece : pieces) feeder.feed(piece);
  return feeder.events();
}

// --- The second implementation -------------------------------------------------------------------

inline Events model(const Limits& limits, Role role, const std::string& stream,
                    Compression compression = Compression::off) {
  Events events;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(stream[i]); };
  std::string message;
  std::optional<Opcode> of_message;
  bool is_compressed = false;
  std::size_t at = 0;
  while (at < stream.size()) {
    const auto fail = [&](Errc errc) {
      events.push_back(error_event(errc));
      return events;
    };
    const unsigned first = byte(at);
    const bool fin = first >= 128;
    const unsigned opcode = first % 16;
    const bool is_data = opcode <= 2;
    const bool begins = opcode == 1 || opcode == 2;
    const unsigned reserved = first / 16 % 8;
    const bool compresses = reserved == 4 && begins && compression == Compression::deflate;
    if (reserved != 0 && !compresses) return fail(Errc::reserved_bits);
    if (!is_data && (opcode < 8 || opcode > 10)) return fail(Errc::bad_opcode);
    if (is_data && (opcode == 0) != of_message.has_value()) return fail(Errc::bad_continuation);
    if (!is_data && !fin) return fail(Errc::bad_control);
    if (at + 1 == stream.size()) return events;
    const bool masked = byte(at + 1) >= 128;
    std::uint64_t bytes = byte(at + 1) % 128;
    if (masked != (role == Role::server)) return fail(Errc::bad_mask);
    if (!is_data && bytes > 125) return fail(Errc::bad_control);
    at += 2;
    const std::size_t extra = bytes == 126 ? 2 : bytes == 127 ? 8 : 0;
    if (stream.size() - at < extra) return events;
    if (extra != 0) bytes = 0;
    for (std::size_t i = 0; i < extra; ++i) bytes = bytes * 256 + byte(at++);
    if (extra == 2 && bytes < 126) return fail(Errc::bad_length);
    if (extra == 8 && (bytes < 65536 || bytes > INT64_MAX)) return fail(Errc::bad_length);
    if (is_data && bytes > limits.frame_bytes_max) return fail(Errc::frame_too_large);
    if (begins) is_compressed = compresses;
    const bool is_over = message.size() + bytes > limits.message_bytes_max ||
                         (is_compressed && message.size() + bytes > limits.compressed_bytes_max);
    if (is_data && is_over) return fail(Errc::message_too_large);
    std::string mask(4, '\0');
    if (masked) {
      if (stream.size() - at < 4) return events;
      mask = stream.substr(at, 4);
      at += 4;
    }
    if (stream.size() - at < bytes) return events;
    std::string payload = stream.substr(at, bytes);
    at += bytes;
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
    }
    if (!is_data) {
      events.push_back(name_of(static_cast<Opcode>(opcode)) + " " + payload);
      continue;
    }
    if (opcode != 0) of_message = static_cast<Opcode>(opcode);
    message += payload;
    if (!fin) continue;
    events.push_back(message_event(*of_message, is_compressed, message));
    of_message.reset();
    message.clear();
  }
  return events;
}

}  // namespace ringpost::websocket
