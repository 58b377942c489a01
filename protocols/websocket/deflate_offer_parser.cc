#include "protocols/websocket/deflate_offer_parser.h"

#include <optional>
#include <utility>

#include "protocols/http/format.h"
#include "protocols/websocket/deflate.h"

namespace ringpost::websocket {

using engine::Bytes;

namespace {

constexpr std::string_view answer =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
constexpr std::string_view answer_with_window =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
    "server_max_window_bits=12";
static_assert(deflate_window_bits == 12, "it is said in the answer");

// What stands between separators, without blanks around it. None counts in a quoted string.
class Pieces {
 public:
  Pieces(Bytes of, char separator) : rest_(of), separator_(separator) {}

  bool more() const { return more_; }
  // Requires: more.
  Bytes next() {
    const std::size_t end = end_of_first();
    const Bytes piece = http::trimmed(rest_.substr(0, end));
    more_ = end < rest_.size();
    rest_.remove_prefix(more_ ? end + 1 : end);
    return piece;
  }

 private:
  std::size_t end_of_first() const {
    bool is_quoted = false;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '"') is_quoted = !is_quoted;
      if (rest_[i] == '\\' && is_quoted) ++i;
      if (i < rest_.size() && rest_[i] == separator_ && !is_quoted) return i;
    }
    return rest_.size();
  }

  Bytes rest_;
  char separator_;
  bool more_ = true;
};

// A parameter of section 9.1 of RFC 6455. What is quoted must be a token, too.
struct Parameter {
  Bytes name;
  std::optional<Bytes> value;
};

bool is_token(Bytes bytes) { return !bytes.empty() && http::all_in(http::token_bytes, bytes); }

std::optional<Parameter> parse_parameter(Bytes text) {
  const std::size_t equals = text.find('=');
  Parameter parameter{http::trimmed(text.substr(0, equals)), {}};
  if (!is_token(parameter.name)) return {};
  if (equals == Bytes::npos) return parameter;
  Bytes value = http::trimmed(text.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  if (!is_token(value)) return {};
  parameter.value = value;
  return parameter;
}

// A decimal of 8 to 15 without leading zeros (RFC 7692 section 7.1.2); 0: it is none.
int window_bits_of(Bytes value) {
  if (value == "8" || value == "9") return value[0] - '0';
  const bool is_two = value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5';
  return is_two ? 10 + value[1] - '0' : 0;
}

// What an offer says, and whether that can be accepted.
class Offer {
 public:
  bool take(const Parameter& parameter) {
    if (parameter.name == "server_no_context_takeover") {
      return !parameter.value && first(seen_.server_context);
    }
    if (parameter.name == "client_no_context_takeover") {
      return !parameter.value && first(seen_.client_context);
    }
    if (parameter.name == "server_max_window_bits") {
      const int bits = parameter.value ? window_bits_of(*parameter.value) : 0;
      return bits >= deflate_window_bits && first(seen_.server_window);
    }
    if (parameter.name == "client_max_window_bits") {
      return (!parameter.value || window_bits_of(*parameter.value) != 0) &&
             first(seen_.client_window);
    }
    return false;
  }

  bool wants_window() const { return seen_.server_window; }

 private:
  static bool first(bool& seen) { return !std::exchange(seen, true); }

  struct {
    bool server_context = false;
    bool client_context = false;
    bool server_window = false;
    bool client_window = false;
  } seen_;
};

std::string_view answer_to(Bytes text) {
  Pieces pieces(text, ';');
  if (pieces.next() != "permessage-deflate") return {};
  Offer offer;
  while (pieces.more()) {
    const std::optional<Parameter> parameter = parse_parameter(pieces.next());
    if (!parameter || !offer.take(*parameter)) return {};
  }
  return offer.wants_window() ? answer_with_window : answer;
}

}  // namespace

std::string_view answer_deflate_offers(Bytes offers) {
  Pieces pieces(offers, ',');
  while (pieces.more()) {
    const std::string_view accepted = answer_to(pieces.next());
    if (!accepted.empty()) return accepted;
  }
  return {};
}

}  // namespace ringpost::websocket
