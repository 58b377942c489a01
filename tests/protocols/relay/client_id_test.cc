#include "protocols/relay/client_id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "engine/base/prng.h"

namespace ringpost::relay {
namespace {

ClientId random_id(engine::Prng& prng) {
  std::array<std::uint8_t, 16> bytes;
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(prng.below(256));
  return ClientId(bytes);
}

std::string text_of(const ClientId& id) {
  const auto text = id.text();
  return {text.data(), text.size()};
}

TEST(ClientId, IsAVersion4UuidInHex) {
  engine::Prng prng(1);
  for (int i = 0; i < 1000; ++i) {
    const ClientId id = random_id(prng);
    const std::string text = text_of(id);
    ASSERT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos);
    ASSERT_EQ(text[12], '4');
    ASSERT_NE(std::string("89ab").find(text[16]), std::string::npos);
    ASSERT_EQ(ClientId::parse(text), id);
  }
}

TEST(ClientId, OtherTextsAreNone) {
  engine::Prng prng(2);
  const std::string text = text_of(random_id(prng));
  EXPECT_TRUE(ClientId::parse(text));
  EXPECT_FALSE(ClientId::parse(text.substr(1)));
  EXPECT_FALSE(ClientId::parse(text + "0"));
  EXPECT_FALSE(ClientId::parse(""));
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'g', 'A', '-', '/', ':'}) {
      std::string other = text;
      other[i] = c;
      EXPECT_FALSE(ClientId::parse(other)) << other;
    }
  }
  std::string version_1 = text;
  version_1[12] = '1';
  EXPECT_FALSE(ClientId::parse(version_1));
}

TEST(ClientId, HasAHomeOnEveryShard) {
  engine::Prng prng(3);
  std::set<std::uint32_t> homes;
  for (int i = 0; i < 200; ++i) homes.insert(random_id(prng).home(4));
  EXPECT_EQ(homes, (std::set<std::uint32_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace ringpost::relay
