// What HTTP answers.

#include <gtest/gtest.h>

#include <string>

#include "tests/protocols/relay/relay_suite.h"

namespace ringpost::relay {
namespace {

class RelayHandlers : public RelaySuite {};

INSTANTIATE_TEST_SUITE_P(Shards, RelayHandlers, ::testing::Values(1u, 2u, 4u));

// WS-1, WS-6, rows 44, 63 and 64
TEST_P(RelayHandlers, AnswersOfHttp) {
  const Response health = ask(request("GET /health"));
  EXPECT_EQ(health.status, 200);
  EXPECT_NE(health.head.find("content-type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(health.body, R"({"data":{"message":"Route Working Properly"},"success":true})");
  const Response options = ask(request("OPTIONS /anything"));
  EXPECT_EQ(options.status, 200);
  EXPECT_NE(options.head.find("access-control-allow-methods: GET,POST,DELETE\r\n"),
            std::string::npos);
  EXPECT_EQ(ask(request("GET /nope")).status, 404);
  const Response put = ask(request("PUT /publish"));
  EXPECT_EQ(put.status, 405);
  EXPECT_NE(put.head.find("allow: POST\r\n"), std::string::npos);
  for (const Response& response : {health, options, put}) {
    EXPECT_NE(response.head.find("access-control-allow-origin: *\r\n"), std::string::npos);
    EXPECT_NE(response.head.find("vary: origin, "), std::string::npos);
  }
}

// 7.2 and row 46
TEST_P(RelayHandlers, RequestErrorsOfRegistering) {
  const auto status = [&](const std::string& text) { return ask(text).status; };
  EXPECT_EQ(
      status("POST /register HTTP/1.1\r\nhost: x\r\ncontent-length: 13\r\n\r\n{\"user_id\":1}"),
      415);
  EXPECT_EQ(status(request("POST /register", "{\"user_id\":1}", "text/plain")), 415);
  EXPECT_EQ(status(request("POST /register", "{\"user_id\":1}", "application/x+JSON; a=b")), 200);
  EXPECT_EQ(status(request("POST /register", "{")), 400);
  EXPECT_EQ(status(request("POST /register", "{\"user_id\":-1}")), 422);
  EXPECT_EQ(status(request("POST /register", "{}")), 422);
  EXPECT_EQ(status(request("POST /register", "{\"user_id\":1}x")), 400);
  EXPECT_EQ(status("POST /register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\r\n"),
            400);
  Response large =
      ask("POST /register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
          "content-length: 3145728\r\n\r\n");
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.body, "Failed to buffer the request body: length limit exceeded");
}

// 7.2, in its order
TEST_P(RelayHandlers, RequestErrorsOfUpgrading) {
  const std::string id = register_user();
  const std::string lines[] = {"connection: keep-alive, Upgrade\r\n", "upgrade: h2c, WebSocket\r\n",
                               "sec-websocket-version: 13\r\n", "sec-websocket-key: x\r\n"};
  const char* const texts[] = {
      "Connection header did not include 'upgrade'", "`Upgrade` header did not include 'websocket'",
      "`Sec-WebSocket-Version` header did not include '13'", "`Sec-WebSocket-Key` header missing"};
  for (std::size_t missing = 0; missing < 4; ++missing) {
    std::string text = "GET /ws/" + id + " HTTP/1.1\r\nhost: x\r\n";
    for (std::size_t i = 0; i < 4; ++i) text += i == missing ? "" : lines[i];
    const Response response = ask(text + "\r\n");
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.body, texts[missing]);
  }
  const std::string old = "GET /ws/" + id + " HTTP/1.0\r\nconnection: keep-alive\r\n";
  EXPECT_EQ(ask(old + "\r\n").body, texts[0]);
  EXPECT_EQ(ask("GET /ws/" + id + " HTTP/1.0\r\n" + lines[0] + lines[1] + lines[2] + "\r\n").body,
            texts[3]);
  EXPECT_EQ(
      ask("GET /ws/" + id + " HTTP/1.0\r\n" + lines[0] + lines[1] + lines[2] + lines[3] + "\r\n")
          .status,
      426);
  for (const std::string client : {"00000000000040008000000000000000", "nobody"}) {
    const Response unknown = ask(upgrade_request(client));
    EXPECT_EQ(unknown.status, 404);
    EXPECT_EQ(unknown.body, "Client not found with id " + client);
    EXPECT_EQ(unknown.head.find("content-type"), std::string::npos);
  }
  EXPECT_EQ(ask(request("DELETE /register/nobody")).status, 404);
}

}  // namespace
}  // namespace ringpost::relay
