#include "engine/base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace ringpost::engine {
namespace {

enum class Errc { bad, worse };

Result<int, Errc> parse(bool good) {
  if (!good) return Unexpected{Errc::worse};
  return 7;
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int, Errc> good = parse(true);
  EXPECT_TRUE(good.has_value());
  EXPECT_TRUE(static_cast<bool>(good));
  EXPECT_EQ(good.value(), 7);

  const Result<int, Errc> bad = parse(false);
  EXPECT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error(), Errc::worse);
}

TEST(Result, TellsValueAndErrorOfOneTypeApart) {
  const Result<std::string, std::string> good(std::string("v"));
  const Result<std::string, std::string> bad(Unexpected{std::string("e")});
  EXPECT_EQ(good.value(), "v");
  EXPECT_EQ(bad.error(), "e");
}

TEST(Result, CarriesWhatOnlyMoves) {
  Result<std::unique_ptr<int>, Errc> result(std::make_unique<int>(5));
  EXPECT_EQ(**result, 5);
  std::unique_ptr<int> taken = std::move(result.value());
  EXPECT_EQ(*taken, 5);
}

TEST(Result, GivesItsValueInPlace) {
  Result<std::string, Errc> result(std::string("abc"));
  result->push_back('d');
  EXPECT_EQ(*result, "abcd");
}

TEST(ResultDeathTest, AbortsWhenTheOtherSideIsRead) {
  Result<int, Errc> bad = parse(false);
  EXPECT_DEATH(bad.value(), "has_value");
  const Result<int, Errc> good = parse(true);
  EXPECT_DEATH(static_cast<void>(good.error()), "has_value");
}

}  // namespace
}  // namespace ringpost::engine
