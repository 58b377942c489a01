// The input is one text.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "protocols/relay/json_scanner.h"
#include "protocols/websocket/utf8.h"
#include "tests/fuzz/fuzz.h"

using namespace ringpost;
using engine::Bytes;

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The other parser ends at a 0, and refuses numbers beyond binary64: so many digits may make one.
bool is_beyond_the_other(Bytes text) {
  if (text.find('\0') != Bytes::npos) return true;
  std::size_t digits = 0, digits_max = 200;
  for (const char c : text) {
    if (c == 'e' || c == 'E') digits_max = 2;
    if (!is_digit(c) && c != '+' && c != '-' && c != 'e' && c != 'E') digits_max = 200;
    digits = is_digit(c) ? digits + 1 : 0;
    if (digits > digits_max) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const Bytes text(reinterpret_cast<const char*>(data), bytes);
  if (is_beyond_the_other(text)) return 0;
  relay::JsonScanner scanner;
  scanner.begin(text);
  const bool is_json = websocket::is_utf8(text) && scanner.skip() && scanner.at_end();
  fuzz::must(is_json == nlohmann::json::accept(text), "both take it, or neither");
  scanner.begin(text);
  if (!is_json || scanner.next() != '"') return 0;
  Bytes value;
  fuzz::must(scanner.string(value), "what is passed over is taken, too");
  fuzz::must(value == nlohmann::json::parse(text).get<std::string>(), "a string says the same");
  return 0;
}
