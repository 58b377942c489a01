// JsonScanner against somebody else's parser: what is JSON and what is not, and what strings say.

#include "protocols/relay/json_scanner.h"

#include <gtest/gtest.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "protocols/websocket/utf8.h"

namespace ringpost::relay {
namespace {

using engine::Prng;
using namespace std::string_literals;

bool is_json(JsonScanner& scanner, const std::string& text) {
  // In a block of its own size, so that a sanitizer sees any read outside of it.
  const std::vector<char> exact(text.begin(), text.end());
  scanner.begin(Bytes(exact.data(), exact.size()));
  return websocket::is_utf8(text) && scanner.skip() && scanner.at_end();
}

// Texts of JSON, of many shapes.
class Texts {
 public:
  explicit Texts(std::uint64_t seed) : prng(seed) {}

  std::string value(int depth) {
    const std::uint64_t kind = prng.below(depth == 0 ? 3 : 5);
    if (kind == 0) return space() + one_of(scalars) + space();
    if (kind <= 2) return space() + string() + space();
    std::string text = kind == 3 ? "{" : "[";
    for (std::uint64_t count = prng.below(4); count > 0; --count) {
      if (kind == 3) text += space() + string() + space() + ":";
      text += value(depth - 1) + (count == 1 ? "" : ",");
    }
    return space() + text + space() + (kind == 3 ? "}" : "]") + space();
  }
  std::string string() {
    std::string text = "\"";
    for (std::uint64_t count = prng.below(6); count > 0; --count) text += one_of(pieces);
    return text + "\"";
  }
  // With one mistake, or what may be one. The other parser refuses large
  // numbers, and ends at a 0: there is neither.
  std::string spoilt(std::string text) {
    const std::size_t at = prng.below(text.size());
    switch (prng.below(4)) {
      case 0:
        return text.substr(0, at);
      case 1:
        return text.erase(at, 1);
      case 2:
        return text.insert(at, one_of(spoilers));
      default:
        return text.replace(at, 1, one_of(spoilers));
    }
  }

  Prng prng;

 private:
  std::string space() { return prng.one_in(4) ? one_of({" ", "\n", "\r\n\t", "    "}) : ""; }
  std::string one_of(const std::vector<std::string>& of) { return of[prng.below(of.size())]; }

  const std::vector<std::string> scalars = {"true", "false", "null", "0",    "-0",   "1",
                                            "-12",  "0.5",   "1e5",  "1E-5", "2e+0", "-1.25e05"};
  const std::vector<std::string> pieces = {"a",
                                           "plain text that has more than sixteen bytes",
                                           "\\n",
                                           "\\\"",
                                           "\\\\",
                                           "\\/",
                                           "\\b",
                                           "\\f",
                                           "\\r",
                                           "\\t",
                                           "\\u00e4",
                                           "\\u0000",
                                           "\\uD83D\\ude00",
                                           "\\u20aC",
                                           "\xc3\xa9",
                                           "\xf0\x9f\x98\x80",
                                           "{",
                                           "]",
                                           ":",
                                           ",",
                                           "\x7f"};
  const std::vector<std::string> spoilers = {
      "\"", "\\", "{", "}", "[",  "]",    ":",    ",",    "0",   "-",       "+",       ".",
      "e",  "u",  "t", " ", "\n", "\x01", "\xff", "\xc3", "\\u", "\\ud800", "\\udc00", "\\x"};
};

TEST(JsonScanner, AgreesOnWhatIsJson) {
  JsonScanner scanner;
  std::size_t right = 0, wrong = 0;
  for (std::uint64_t seed = 1; seed <= 20000; ++seed) {
    Texts texts(seed);
    std::string text = texts.value(4);
    ASSERT_TRUE(is_json(scanner, text)) << "seed " << seed << "\n" << text;
    for (std::uint64_t mistakes = texts.prng.below(3); mistakes > 0 && !text.empty(); --mistakes)
      text = texts.spoilt(text);
    const bool expected = nlohmann::json::accept(text);
    ASSERT_EQ(is_json(scanner, text), expected) << "seed " << seed << "\n" << text;
    ++(expected ? right : wrong);
  }
  EXPECT_GT(right, 1000U);
  EXPECT_GT(wrong, 1000U);
}

TEST(JsonScanner, StringsSayWhatTheySay) {
  JsonScanner scanner;
  for (std::uint64_t seed = 1; seed <= 5000; ++seed) {
    Texts texts(seed);
    // Several in one text: what was given stays where it is.
    std::vector<std::string> literals;
    std::string text = "[";
    for (int i = 0; i < 4; ++i) {
      literals.push_back(texts.string());
      text += (i == 0 ? "" : ",") + literals.back();
    }
    scanner.begin(text);
    std::vector<Bytes> values(literals.size());
    for (std::size_t i = 0; i < literals.size(); ++i) {
      ASSERT_TRUE(scanner.take(i == 0 ? '[' : ','));
      ASSERT_EQ(scanner.next(), '"');
      ASSERT_TRUE(scanner.string(values[i])) << literals[i];
    }
    for (std::size_t i = 0; i < literals.size(); ++i) {
      ASSERT_EQ(values[i], nlohmann::json::parse(literals[i]).get<std::string>()) << literals[i];
    }
  }
}

TEST(JsonScanner, WhatHasNoEscapesStaysInTheText) {
  JsonScanner scanner;
  const std::string text = R"("as it is")";
  scanner.begin(text);
  Bytes value;
  ASSERT_EQ(scanner.next(), '"');
  ASSERT_TRUE(scanner.string(value));
  EXPECT_EQ(value.data(), text.data() + 1);
}

TEST(JsonScanner, NumbersStandAsTheyAre) {
  JsonScanner scanner;
  for (const std::string& text : {"0"s, "-0"s, "10"s, "1.50"s, "-1e+99999"s}) {
    scanner.begin(text);
    Bytes value;
    ASSERT_NE(scanner.next(), '\0');
    ASSERT_TRUE(scanner.number(value));
    EXPECT_EQ(value, text);
    EXPECT_TRUE(scanner.at_end());
  }
}

}  // namespace
}  // namespace ringpost::relay
