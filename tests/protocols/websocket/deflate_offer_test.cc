#include <gtest/gtest.h>

#include "protocols/websocket/deflate_offer_parser.h"

namespace ringpost::websocket {
namespace {

constexpr std::string_view accepted =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
constexpr std::string_view accepted_with_window =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
    "server_max_window_bits=12";

// RFC 7692 section 7.1, and what clients send
TEST(DeflateOffers, AreAnswered) {
  for (const char* const offers :
       {"permessage-deflate", "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=8",
        "permessage-deflate;client_max_window_bits=15",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "  permessage-deflate ;\tclient_max_window_bits = \"10\" ", ", permessage-deflate,",
        "x-other; a=\"b, permessage-deflate; y\", permessage-deflate"}) {
    EXPECT_EQ(answer_deflate_offers(offers), accepted) << offers;
  }
  for (const char* const offers :
       {"permessage-deflate; server_max_window_bits=12",
        "permessage-deflate; server_max_window_bits=15; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=\"13\"",
        "permessage-deflate; server_max_window_bits=10, permessage-deflate; "
        "server_max_window_bits=12"}) {
    EXPECT_EQ(answer_deflate_offers(offers), accepted_with_window) << offers;
  }
}

TEST(DeflateOffers, TheFirstThatCanBeIsAccepted) {
  EXPECT_EQ(answer_deflate_offers("permessage-deflate; server_max_window_bits=12, "
                                  "permessage-deflate"),
            accepted_with_window);
  EXPECT_EQ(answer_deflate_offers("permessage-deflate; server_max_window_bits=11, "
                                  "permessage-deflate"),
            accepted);
  EXPECT_EQ(answer_deflate_offers("permessage-deflate; ;, permessage-deflate"), accepted);
}

TEST(DeflateOffers, AreDeclined) {
  for (const char* const offers :
       {"",
        ",",
        "x-webkit-deflate-frame",
        "permessage-deflat",
        "permessage-deflatee",
        "Permessage-Deflate x",
        "\"permessage-deflate\"",
        "permessage-deflate=1",
        "permessage-deflate;",
        "permessage-deflate; ",
        "permessage-deflate;;",
        "permessage-deflate; unknown",
        "permessage-deflate; unknown=1",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover=",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=12; server_max_window_bits=12",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=11",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=012",
        "permessage-deflate; server_max_window_bits=+12",
        "permessage-deflate; server_max_window_bits=12.0",
        "permessage-deflate; server_max_window_bits=112",
        "permessage-deflate; server_max_window_bits=1",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=\"",
        "permessage-deflate; client_max_window_bits=\"\"",
        "permessage-deflate; client_max_window_bits=\"12",
        "permessage-deflate; client_max_window_bits=\"12\\\"",
        "permessage-deflate; client_max_window_bits=12 12",
        "permessage-deflate client_max_window_bits",
        "permessage-deflate; =1",
        "permessage-deflate; \"client_max_window_bits\"",
        "permessage-deflate; a b=1",
        "x; y=\"permessage-deflate, permessage-deflate"}) {
    EXPECT_EQ(answer_deflate_offers(offers), "") << offers;
  }
}

}  // namespace
}  // namespace ringpost::websocket
