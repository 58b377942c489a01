#include "protocols/orders/amount.h"

#include <cfloat>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "protocols/orders/shortest_decimal.h"

namespace ringpost::orders {

namespace {

static_assert(FLT_EVAL_METHOD == 0, "the arithmetic of the book is binary32, not something wider");

// Powers of ten that binary32 holds exactly: 10^10 = 2^10 * 5^10, and 5^10 < 2^24.
constexpr float exact_powers[] = {1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f,
                                  1e6f, 1e7f, 1e8f, 1e9f, 1e10f};
constexpr std::size_t exact_power_max = 10;
constexpr std::uint64_t exact_integer_max = std::uint64_t{1} << 24;

// So many digits fit an uint64_t whatever they are.
constexpr std::size_t plain_bytes_max = 19;

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

char* append(char* at, Bytes text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* append_zeros(char* at, std::size_t count) {
  std::memset(at, '0', count);
  return at + count;
}

// Places the digits without an exponent, and drops the zeros that end a fraction.
char* append_decimal(char* at, ShortestDecimal decimal) {
  char digits[10];
  auto count =
      static_cast<int>(std::to_chars(digits, digits + sizeof digits, decimal.digits).ptr - digits);
  if (decimal.exponent >= 0) {
    at = append(at, Bytes(digits, static_cast<std::size_t>(count)));
    return append_zeros(at, static_cast<std::size_t>(decimal.exponent));
  }
  const int point = count + decimal.exponent;  // how many digits stand before the point
  while (count > point && digits[count - 1] == '0') --count;
  const auto used = static_cast<std::size_t>(count);
  if (point <= 0) {
    at = append_zeros(append(at, "0."), static_cast<std::size_t>(-point));
    return append(at, Bytes(digits, used));
  }
  const auto whole = static_cast<std::size_t>(point);
  at = append(at, Bytes(digits, whole));
  if (used == whole) return at;
  *at++ = '.';
  return append(at, Bytes(digits + whole, used - whole));
}

}  // namespace

PlainDecimal read_plain_decimal(Bytes text) {
  constexpr std::size_t no_point = SIZE_MAX;
  std::uint64_t digits = 0;
  std::size_t point = no_point;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (is_digit(c)) {
      digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
    } else if (c == '.' && point == no_point) {
      point = at;
    } else {
      break;
    }
  }
  const std::size_t decimals = point == no_point ? 0 : at - point - 1;
  const std::size_t digit_count = at - (point == no_point ? 0 : 1);
  // A text that goes on with more of a number (an exponent) ends at a byte that no caller takes for
  // the end of its field.
  if (at > plain_bytes_max || digit_count == 0) return {0, 0};
  if (digits > exact_integer_max || decimals > exact_power_max) return {0, 0};
  // Both operands are exact, so the one division rounds as it must (Clinger's simple case).
  return {static_cast<float>(digits) / exact_powers[decimals], at};
}

std::optional<float> parse_amount(Bytes field) {
  if (field.starts_with('+')) {
    field.remove_prefix(1);
    if (field.starts_with('-')) return std::nullopt;  // from_chars would take the second sign
  }
  float value = 0;
  const char* const end = field.data() + field.size();
  const auto [stop, error] = std::from_chars(field.data(), end, value);
  // Out of range means infinite or zero: refused like those that say so themselves.
  if (error != std::errc() || stop != end) return std::nullopt;
  if (!std::isfinite(value) || value <= 0) return std::nullopt;
  return value;
}

std::size_t format_amount(float amount, char* out) {
  if (std::isnan(amount)) [[unlikely]]
    return static_cast<std::size_t>(append(out, "NaN") - out);
  char* at = out;
  if (std::signbit(amount)) *at++ = '-';
  const float size = std::fabs(amount);
  if (size > 0 && std::isfinite(size)) [[likely]]
    at = append_decimal(at, shortest_decimal(size));
  else
    at = append(at, size == 0 ? "0" : "inf");
  return static_cast<std::size_t>(at - out);
}

}  // namespace ringpost::orders
