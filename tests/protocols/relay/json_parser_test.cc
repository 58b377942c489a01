#include "protocols/relay/json_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "protocols/relay/scratch.h"

namespace ringpost::relay {
namespace {

using namespace std::string_literals;

class Json : public ::testing::Test {
 protected:
  Errc registration(Bytes text) { return parser.parse(text, registered); }
  Errc publication(Bytes text) { return parser.parse(text, published); }
  Errc topics(Bytes text) { return parser.parse(text, request); }
  std::vector<Bytes> wanted() const { return {request.topics.begin(), request.topics.end()}; }

  static constexpr std::size_t topics_max = 3;
  JsonParser parser{topics_max};
  Registration registered;
  Publication published;
  TopicsRequest request;
};

TEST_F(Json, RegistrationsHaveAUser) {
  EXPECT_EQ(registration(R"({"user_id":1})"), Errc::none);
  EXPECT_EQ(registered.user_id, 1u);
  EXPECT_EQ(registration(" {\n\"x\" : {\"user_id\":2}, \"user_id\" :\t18446744073709551615 } "),
            Errc::none);
  EXPECT_EQ(registered.user_id, UINT64_MAX);
  EXPECT_EQ(registration(R"({"user_id":0,"user":[1,{"user_id":"x"}]})"), Errc::none);
  EXPECT_EQ(registered.user_id, 0u);
}

// 7.2, third row of the JSON ones, and row 46 of the checklist
TEST_F(Json, WhatIsJsonOfAnotherShape) {
  for (const Bytes text :
       {R"({})", R"({"user_id":-1})", R"({"user_id":1.5})", R"({"user_id":"1"})",
        R"({"user_id":18446744073709551616})", R"({"user_id":null})", R"({"user_id":true})",
        R"({"user_id":[1]})", R"({"user_id":{"user_id":1}})", R"({"user_id":1e2})",
        R"({"user_id":1,"user_id":1})", R"({"User_id":1})", R"({"user_id":-0})",
        R"({"user_id":99999999999999999999999999999999999999999999999999999999999})"}) {
    EXPECT_EQ(registration(text), Errc::bad_user_id) << text;
  }
  for (const Bytes text : {"[]", "1", "\"user_id\"", "null", R"([{"user_id":1}])"}) {
    EXPECT_EQ(registration(text), Errc::not_an_object) << text;
  }
}

// 7.2, second row of the JSON ones
TEST_F(Json, WhatIsNoJson) {
  for (const std::string& text : {""s,
                                  " "s,
                                  "{"s,
                                  R"({"user_id":1)"s,
                                  R"({"user_id":1}x)"s,
                                  R"({"user_id":1}{})"s,
                                  R"({"user_id":01})"s,
                                  R"({"user_id":+1})"s,
                                  R"({"user_id":.5})"s,
                                  R"({"user_id":1.})"s,
                                  R"({"user_id":NaN})"s,
                                  R"({"user_id":1,})"s,
                                  R"({user_id:1})"s,
                                  R"({'user_id':1})"s,
                                  R"({"user_id":1 /*x*/})"s,
                                  R"({"user_id":-})"s,
                                  R"({"user_id":0x1})"s,
                                  "{\"user_id\":1}\0"s,
                                  "\0{\"user_id\":1}"s,
                                  "{\"a\":\"\xff\",\"user_id\":1}"s,
                                  "{\"a\":\"\n\",\"user_id\":1}"s,
                                  R"({"a":"\ud800","user_id":1})"s,
                                  R"({"a":"\x","user_id":1})"s,
                                  "\xef\xbb\xbf{\"user_id\":1}"s}) {
    EXPECT_EQ(registration(text), Errc::bad_syntax) << testing::PrintToString(text);
  }
}

TEST_F(Json, SyntaxComesBeforeShape) {
  EXPECT_EQ(registration(R"({"user_id":"x"}y)"), Errc::bad_syntax);
  EXPECT_EQ(publication(R"({"topic":1)"), Errc::bad_syntax);
}

TEST_F(Json, PublicationsAreForAllOrForAUser) {
  EXPECT_EQ(publication(R"({"user_id":1,"topic":"tech","message":"are awesome"})"), Errc::none);
  EXPECT_EQ(published.topic, "tech");
  EXPECT_EQ(published.message, "are awesome");
  EXPECT_EQ(published.user_id, 1u);
  EXPECT_EQ(publication(R"({"topic":"","user_id":null,"message":""})"), Errc::none);
  EXPECT_EQ(published.user_id, std::nullopt);
  EXPECT_EQ(publication(R"({"topic":"t","message":"m"})"), Errc::none);
  EXPECT_EQ(published.user_id, std::nullopt);
  EXPECT_EQ(publication(R"({"topic":"t","message":"m","user_id":"1"})"), Errc::bad_user_id);
  EXPECT_EQ(publication(R"({"topic":"t","message":"m","user_id":null,"user_id":1})"),
            Errc::bad_user_id);
  EXPECT_EQ(publication(R"({"message":"m"})"), Errc::bad_topic);
  EXPECT_EQ(publication(R"({"topic":null,"message":"m"})"), Errc::bad_topic);
  EXPECT_EQ(publication(R"({"topic":"t"})"), Errc::bad_message);
  EXPECT_EQ(publication(R"({"topic":"t","message":["m"]})"), Errc::bad_message);
}

TEST_F(Json, StringsAreDecoded) {
  EXPECT_EQ(publication(R"({"topic":"\u00e4\/\"\\","message":"\ud83d\ude00\n\u0000x"})"),
            Errc::none);
  EXPECT_EQ(published.topic, "\xc3\xa4/\"\\");
  EXPECT_EQ(published.message, "\xf0\x9f\x98\x80\n\0x"s);
}

// WS-21, WS-22
TEST_F(Json, TopicsAreAListOfStrings) {
  EXPECT_EQ(topics(R"( {"topics":["cats","dogs"],"x":[1]} )"), Errc::none);
  EXPECT_EQ(wanted(), (std::vector<Bytes>{"cats", "dogs"}));
  EXPECT_EQ(topics(R"({"topics":[]})"), Errc::none);
  EXPECT_TRUE(wanted().empty());
  for (const Bytes text : {R"({"topics":1})", R"({"topics":"cats"})", R"({"topics":["a",1]})",
                           R"({"topics":[["a"]]})", R"({"topics":null})", R"({})",
                           R"({"topics":["a"],"topics":["b"]})", R"({"topics":{"a":"b"}})"}) {
    EXPECT_EQ(topics(text), Errc::bad_topics) << text;
  }
  EXPECT_EQ(topics("hello"), Errc::bad_syntax);
}

TEST_F(Json, OfTooManyTopicsTheFirstAreKept) {
  EXPECT_EQ(topics(R"({"topics":["a","b","c"]})"), Errc::none);
  EXPECT_FALSE(request.has_more);
  EXPECT_EQ(topics(R"({"topics":["a","b","c","d"]})"), Errc::none);
  EXPECT_TRUE(request.has_more);
  EXPECT_EQ(wanted(), (std::vector<Bytes>{"a", "b", "c"}));
  EXPECT_EQ(topics(R"({"topics":["a","b","c","d",1]})"), Errc::bad_topics);
  EXPECT_EQ(topics(R"({"topics":["a","b","c","d]})"), Errc::bad_syntax);
  EXPECT_EQ(topics(R"({"topics":["a"]})"), Errc::none);
  EXPECT_FALSE(request.has_more);
}

// Each element of three bytes cost 16, twice, and for good.
TEST_F(Json, ManyTopicsCostNoMemory) {
  std::string text = R"({"topics":[)";
  for (int i = 0; i < 100000; ++i) text += "\"\",";
  EXPECT_EQ(topics(text + "\"\"]}"), Errc::none);
  EXPECT_TRUE(request.has_more);
  EXPECT_LT(parser.scratch_bytes(), 1000u);
}

TEST_F(Json, WhatALargeBodyTookIsGivenUp) {
  const std::string large(1 << 20, '[');
  const std::string deep = "{\"a\":" + large + std::string(large.size(), ']') + "}";
  EXPECT_EQ(registration(deep), Errc::bad_user_id);
  EXPECT_EQ(publication(R"({"topic":"\n","message":")" + large + "\"}"), Errc::none);
  EXPECT_GT(parser.scratch_bytes(), 2 * large.size());
  parser.drop_scratch();
  EXPECT_LE(parser.scratch_bytes(), 2 * scratch_bytes_max);
  EXPECT_EQ(publication(R"({"topic":"\n","message":""})"), Errc::none);
  EXPECT_EQ(published.topic, "\n");
}

TEST_F(Json, DeepNestingIsRead) {
  const std::string deep(100000, '[');
  EXPECT_EQ(registration(deep), Errc::bad_syntax);
  EXPECT_EQ(registration("{\"a\":" + deep + std::string(100000, ']') + ",\"user_id\":5}"),
            Errc::none);
  EXPECT_EQ(registered.user_id, 5u);
}

}  // namespace
}  // namespace ringpost::relay
