// ResponseParser and BodyParser behind it against a plain second implementation, whole, byte by
// byte and at every split; and what is refused, row by row.

#include "protocols/http/response_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "tests/protocols/http/response_model.h"
#include "tests/protocols/splits.h"

namespace ringpost::http {
namespace {

using engine::Prng;
using namespace std::string_literals;

// What comes out, the same at every split and in the model.
Events out_of(const std::string& stream, bool answers_head = false, const Limits& limits = {}) {
  const Events expected = response_model(limits, answers_head, stream);
  expect_at_every_split(expected, stream, [&](const Pieces& pieces) {
    return responses_fed_in(limits, answers_head, pieces);
  });
  return expected;
}

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string empty = ok + "content-length: 0\r\n\r\n";

TEST(ResponseParser, TakesWhatTheRfcAllows) {
  EXPECT_EQ(out_of(empty + empty), (Events{"200 1.1 keep [content-length: 0\r\n]",
                                           "200 1.1 keep [content-length: 0\r\n]"}));
  EXPECT_EQ(out_of("HTTP/1.1 404 \r\ncontent-length: 2\r\n\r\nab"),
            (Events{"404 1.1 keep length 2 [content-length: 2\r\n]", "body: ab"}));
  EXPECT_EQ(out_of("HTTP/1.1 500\r\nContent-Length:\t1 \r\n\r\na"),
            (Events{"500 1.1 keep length 1 [Content-Length:\t1 \r\n]", "body: a"}));
  EXPECT_EQ(out_of("HTTP/1.7 299 a b \x80\r\ncontent-length: 0\r\n\r\n"),
            Events{"299 1.1 keep [content-length: 0\r\n]"});
  EXPECT_EQ(
      out_of(ok + "transfer-encoding: chunked\r\n\r\n2;x\r\nab\r\n1\r\nc\r\n0\r\nt: u\r\n\r\n" +
             empty),
      (Events{"200 1.1 keep chunked [transfer-encoding: chunked\r\n]", "body: abc",
              "200 1.1 keep [content-length: 0\r\n]"}));
}

// RFC 9112 section 6.3
TEST(ResponseParser, FindsWhereTheBodyEnds) {
  EXPECT_EQ(out_of("HTTP/1.1 204 No\r\ncontent-length: 3\r\n\r\n" + empty).size(), 2U);
  EXPECT_EQ(out_of("HTTP/1.1 304 Not\r\ncontent-length: 3\r\n\r\n" + empty).size(), 2U);
  EXPECT_EQ(out_of("HTTP/1.1 100 Go on\r\n\r\n" + empty).front(), "100 1.1 keep []");
  EXPECT_EQ(
      out_of(ok + "content-length: 3\r\n\r\n" + empty, true),
      (Events{"200 1.1 keep [content-length: 3\r\n]", "200 1.1 keep [content-length: 0\r\n]"}));
  EXPECT_EQ(out_of(ok + "a: b\r\n\r\nall\r\n\r\nof it"),
            (Events{"200 1.1 close [a: b\r\n]", "open: all\r\n\r\nof it"}));
}

// RFC 9112 section 9.3
TEST(ResponseParser, KnowsWhetherAnotherMayFollow) {
  const auto first = [](const std::string& version, const std::string& field) {
    return out_of(version + " 200 OK\r\ncontent-length: 0\r\n" + field + "\r\n")
        .front()
        .substr(8, 5);
  };
  EXPECT_EQ(first("HTTP/1.1", ""), "keep ");
  EXPECT_EQ(first("HTTP/1.1", "Connection: a, Close\r\n"), "close");
  EXPECT_EQ(first("HTTP/1.0", ""), "close");
  EXPECT_EQ(first("HTTP/1.0", "connection: Keep-Alive\r\n"), "keep ");
  EXPECT_EQ(out_of("HTTP/1.1 101 Now\r\nconnection: upgrade\r\n\r\n").front(),
            "101 1.1 keep upgrade [connection: upgrade\r\n]");
}

TEST(ResponseParser, RefusesWhatIsNoResponse) {
  const struct {
    std::string stream;
    Errc errc;
    std::size_t at;  // where the wrong line begins
  } rows[] = {
      {"\x16\x03\x01", Errc::bad_status_line, 0},
      {"hello\r\n", Errc::bad_status_line, 0},
      {"HTTX", Errc::bad_status_line, 0},
      {"\r\n" + empty, Errc::bad_status_line, 0},
      {"HTTP/1.1200 OK\r\n", Errc::bad_status_line, 0},
      {"HTTP/1.1 20 OK\r\n", Errc::bad_status_line, 0},
      {"HTTP/1.1 2000 OK\r\n", Errc::bad_status_line, 0},
      {"HTTP/1.1 2x0 OK\r\n", Errc::bad_status_line, 0},
      {"HTTP/1.1 099 OK\r\n", Errc::bad_status_line, 0},
      {"HTTP/1.1 600 OK\r\n", Errc::bad_status_line, 0},
      {"HTTP/1.1\t200 OK\r\n", Errc::bad_status_line, 0},
      {"HTTP/1.1 200 O\0K\r\n"s, Errc::bad_status_line, 0},
      {"HTTP/11 200 OK\r\n", Errc::bad_status_line, 0},
      {"HTTP/2.0 200 OK\r\n", Errc::bad_version, 0},
      {"HTTP/1.1 200 OK\n", Errc::bare_line_end, 0},
      {"HTTP/1.1 200\r OK\r\n", Errc::bare_line_end, 0},
      {ok + "\n", Errc::bare_line_end, 17},
      {ok + "a: b\r\nc: d\n", Errc::bare_line_end, 23},
      {ok + "a\r\n", Errc::bad_field, 17},
      {ok + "a: b\r\nc : d\r\n", Errc::bad_field, 23},
      {ok + "a: b\r\n c\r\n", Errc::bad_field, 23},
      {ok + "a: \x01\r\n", Errc::bad_field, 17},
      {ok + "content-length: -1\r\n", Errc::bad_content_length, 17},
      {ok + "content-length: 1\r\nContent-Length: 1\r\n", Errc::bad_content_length, 36},
      {ok + "content-length: 1, 1\r\n", Errc::bad_content_length, 17},
      {ok + "transfer-encoding: gzip\r\n", Errc::bad_transfer_encoding, 17},
      {ok + "transfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n", Errc::two_lengths, 64},
      {"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Errc::bad_transfer_encoding, 45},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(out_of(row.stream), Events{error_event(row.errc)})
        << testing::PrintToString(row.stream);
    const Limits limits;
    ResponseParser parser(limits, false);
    ResponseHead head;
    EXPECT_EQ(parser.next(row.stream, head).consumed, row.at) << testing::PrintToString(row.stream);
  }
}

TEST(ResponseParser, LimitsAreInclusive) {
  Limits limits;
  limits.head_bytes_max = static_cast<std::uint32_t>(empty.size());
  limits.body_bytes_max = 3;
  EXPECT_EQ(out_of(empty, false, limits).size(), 1U);
  const std::string longer = "HTTP/1.1 200 OK!\r\ncontent-length: 0\r\n\r\n";
  EXPECT_EQ(out_of(longer, false, limits), Events{error_event(Errc::head_too_large)});
  EXPECT_EQ(out_of(ok + "\r\nabc", false, limits).back(), "open: abc");
  EXPECT_EQ(out_of(ok + "\r\nabcd", false, limits).back(), error_event(Errc::body_too_large));
  EXPECT_EQ(out_of(ok + "content-length: 3\r\n\r\nabc", false, limits).back(), "body: abc");
  EXPECT_EQ(out_of(ok + "content-length: 4\r\n\r\n", false, limits).back(),
            error_event(Errc::body_too_large));
}

TEST(ResponseParser, FindsFieldsByTheirNameInAnyCase) {
  const Limits limits;
  ResponseParser parser(limits, false);
  ResponseHead head;
  const std::string text = ok + "X-One: 1\r\nx-one: 2\r\nempty:\r\n\r\n";
  ASSERT_EQ(parser.next(text, head).status, HeadStatus::head);
  EXPECT_EQ(head.find("x-one"), "1");
  EXPECT_NE(head.find("empty").data(), nullptr);
  EXPECT_EQ(head.find("none").data(), nullptr);
}

// Streams put together of right and wrong parts, cut anywhere.
TEST(ResponseParser, AgreesWithTheModelOnRandomStreams) {
  const std::string parts[] = {
      ok,
      empty,
      empty,
      ok + "content-length: 3\r\n\r\nabc",
      ok + "transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
      "HTTP/1.0 200 OK\r\n",
      "HTTP/1.1 204 No\r\n",
      "HTTP/1.1 304\r\n\r\n",
      "HTTP/1.1 100 Go on\r\n\r\n",
      "\r\n",
      "\r\n",
      "\n",
      "\r",
      " ",
      ":",
      "a: b\r\n",
      "a: b\r\n\r\n",
      "abc",
      "content-length: 3\r\n",
      "\xff",
      "\0"s,
      "0\r\n\r\n",
      "3\r\nabc\r\n",
      "transfer-encoding: chunked\r\n",
      "0\r\nt: u\r\n\r\n",
      "connection: close\r\n",
      "connection: upgrade, keep-alive\r\n",
  };
  Limits limits;
  limits.head_bytes_max = 90;
  limits.body_bytes_max = 8;
  limits.trailer_bytes_max = 12;
  std::size_t whole = 0;
  for (std::uint64_t seed = 1; seed <= 20000; ++seed) {
    Prng prng(seed);
    std::string stream = prng.one_in(2) ? empty : ok;
    for (std::uint64_t i = prng.below(12); i > 0; --i) {
      stream += parts[prng.below(std::size(parts))];
    }
    const bool answers_head = prng.one_in(8);
    const Events expected = response_model(limits, answers_head, stream);
    ASSERT_EQ(responses_fed_in(limits, answers_head, cut(prng, stream)), expected)
        << "seed " << seed << "\n"
        << stream;
    if (!expected.empty() && !expected.back().starts_with("error")) ++whole;
  }
  EXPECT_GT(whole, 1000U);  // it does not only fail
}

}  // namespace
}  // namespace ringpost::http
