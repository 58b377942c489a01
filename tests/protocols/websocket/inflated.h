#pragma once

// Deflater and Inflater as a session drives them. Used by tests and fuzzers alike, so what must
// hold is asserted.

#include <string>
#include <vector>

#include "engine/base/assert.h"
#include "protocols/websocket/deflate.h"

namespace ringpost::websocket {

inline std::string deflated(Deflater& deflater, const std::string& message) {
  std::string out(deflater.bytes_max(message.size()), '?');
  out.resize(static_cast<std::size_t>(deflater.deflate(out.data(), message) - out.data()));
  return out;
}

struct Inflated {
  Errc errc = Errc::none;
  std::string message;  // if there is no error
  bool operator==(const Inflated&) const = default;
};

// In pieces, of which the last one ends the message, with so much room each time.
inline Inflated inflated(Inflater& inflater, const std::vector<std::string>& pieces,
                         std::size_t room) {
  inflater.begin();
  Inflated all;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    Bytes rest = pieces[i];
    const bool is_last = i + 1 == pieces.size();
    InflateResult r;
    do {
      std::vector<char> out(room);
      r = inflater.next(rest, is_last, out.data(), room);
      ASSERT(r.produced <= room);
      if (r.status == InflateStatus::error) return {r.errc, ""};
      all.message.append(out.data(), r.produced);
      rest.remove_prefix(r.consumed);
    } while (r.status == InflateStatus::full);
    ASSERT(rest.empty());
    ASSERT(r.status == (is_last ? InflateStatus::done : InflateStatus::need_more));
  }
  return all;
}

std::vector<std::string> single_bytes(const std::string& payload) {
  std::vector<std::string> pieces;
  for (const char c : payload) pieces.emplace_back(1, c);
  pieces.emplace_back();
  return pieces;
}

}  // namespace ringpost::websocket
