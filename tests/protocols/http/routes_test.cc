#include "protocols/http/routes.h"

#include <gtest/gtest.h>

namespace ringpost::http {
namespace {

class Nobody final : public Handler {
 public:
  void on_request(Session&, const Request&, Bytes, Bytes) override { FAIL(); }
};

class RoutesTest : public ::testing::Test {
 protected:
  RoutesTest() {
    routes.add(Method::get, "/health", health);
    routes.add(Method::post, "/register", post);
    routes.add(Method::delete_, "/register/*", remove);
    routes.add(Method::get, "/ws/*", ws);
    routes.add(Method::put, "/ws/*", put);
  }

  Nobody health, post, remove, ws, put;
  Routes routes;
};

TEST_F(RoutesTest, APathIsComparedAsAWhole) {
  EXPECT_EQ(routes.find(Method::get, "/health").handler, &health);
  for (const Bytes path : {"/", "/healt", "/healthy", "/health/", "//health", "/Health", "*"}) {
    EXPECT_EQ(routes.find(Method::get, path).handler, nullptr) << path;
    EXPECT_EQ(routes.find(Method::get, path).allow, "") << path;
  }
}

TEST_F(RoutesTest, AnAsteriskIsOneSegment) {
  const Routes::Match match = routes.find(Method::delete_, "/register/12ab");
  EXPECT_EQ(match.handler, &remove);
  EXPECT_EQ(match.parameter, "12ab");
  for (const Bytes path : {"/register/", "/register/a/", "/register/a/b", "/registera"}) {
    EXPECT_EQ(routes.find(Method::delete_, path).allow, "") << path;
  }
}

TEST_F(RoutesTest, HeadGoesWhereGetDoes) {
  EXPECT_EQ(routes.find(Method::head, "/health").handler, &health);
  EXPECT_EQ(routes.find(Method::head, "/register").handler, nullptr);
}

TEST_F(RoutesTest, AWrongMethodIsToldWhatThereIs) {
  const auto allow = [&](Method method, Bytes path) {
    const Routes::Match match = routes.find(method, path);
    EXPECT_EQ(match.handler, nullptr);
    return match.allow;
  };
  EXPECT_EQ(allow(Method::post, "/health"), "GET,HEAD");
  EXPECT_EQ(allow(Method::get, "/register"), "POST");
  EXPECT_EQ(allow(Method::other, "/register/x"), "DELETE");
  EXPECT_EQ(allow(Method::post, "/ws/1"), "GET,HEAD,PUT");
}

TEST_F(RoutesTest, AnAnswerGoesToWhoHasItsKind) {
  routes.answered_by(70, ws);
  routes.answered_by(71, post);
  EXPECT_EQ(&routes.answered(70), &ws);
  EXPECT_EQ(&routes.answered(71), &post);
}

}  // namespace
}  // namespace ringpost::http
