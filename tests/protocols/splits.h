#pragma once

// Streams cut into pieces, as TCP may bring them (X2).

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "engine/base/prng.h"

namespace ringpost {

using Pieces = std::vector<std::string>;

// What `out_of(pieces)` gives must be `expected`: whole, byte by byte, and at every split.
template <typename Events, typename OutOf>
void expect_at_every_split(const Events& expected, const std::string& stream, OutOf out_of) {
  SCOPED_TRACE(testing::PrintToString(stream));
  EXPECT_EQ(out_of(Pieces{stream}), expected);
  Pieces single;
  for (const char c : stream) single.emplace_back(1, c);
  EXPECT_EQ(out_of(single), expected);
  for (std::size_t at = 1; at < stream.size(); ++at) {
    EXPECT_EQ(out_of(Pieces{stream.substr(0, at), stream.substr(at)}), expected)
        << "split at " << at;
  }
}

// Cut anywhere, mostly small.
inline Pieces cut(engine::Prng& prng, const std::string& stream) {
  Pieces pieces;
  for (std::size_t at = 0; at < stream.size(); at += pieces.back().size()) {
    pieces.push_back(stream.substr(at, 1 + prng.below(prng.one_in(4) ? 40 : 4)));
  }
  return pieces;
}

}  // namespace ringpost
