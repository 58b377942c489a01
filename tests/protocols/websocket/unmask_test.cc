#include "protocols/websocket/unmask.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/base/prng.h"

namespace ringpost::websocket {
namespace {

TEST(Unmask, EveryLengthAndPlaceAndTurn) {
  engine::Prng prng(1);
  const std::string mask = "\x12\xf4\x56\x9a";
  for (std::size_t bytes = 0; bytes < 100; ++bytes) {
    for (std::size_t skip = 0; skip < 20; ++skip) {
      std::string text(skip + bytes, '\0');
      for (char& c : text) c = static_cast<char>(prng.below(256));
      std::string expected = text.substr(skip);
      for (std::size_t i = 0; i < bytes; ++i) {
        expected[i] = static_cast<char>(expected[i] ^ mask[(skip + i) % 4]);
      }
      const Mask turned = Mask::read(mask.data()).turned(skip);
      std::string out(bytes, '\0');
      unmask(out.data(), engine::Bytes(text).substr(skip), turned);
      ASSERT_EQ(out, expected);
      unmask(text.data() + skip, engine::Bytes(text).substr(skip), turned);  // in place
      ASSERT_EQ(text.substr(skip), expected);
    }
  }
}

}  // namespace
}  // namespace ringpost::websocket
