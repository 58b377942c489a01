#include "protocols/orders/amount.h"

#include <bit>
#include <cfloat>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "protocols/orders/shortest_decimal.h"

namespace ringpost::orders {

namespace {

static_assert(FLT_EVAL_METHOD == 0,
              "float and double arithmetic round once, to their own precision");

// Powers of ten and integers that binary64 holds exactly.
constexpr double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                   1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
constexpr std::uint64_t exact_integer_max = std::uint64_t{1} << 53;

// So many digits fit an uint64_t whatever they are. Values of so few are far from the ends of
// binary32's range, where its precision is lower.
constexpr std::size_t plain_bytes_max = 19;

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

char* append(char* at, Bytes text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

// The digits of a number below 10^9, as text.
struct Digits {
  char text[16];    // what stands behind the digits may be copied, but means nothing
  int count;        // digits
  int significant;  // digits but the zeros at the end; at least 1
};

// One digit per byte, the first in the lowest byte: each step halves the groups that hold two
// numbers side by side, dividing all of them in one multiplication. Requires: number < 10^8.
std::uint64_t spread_digits(std::uint32_t number) {
  const std::uint64_t fours = number / 10'000 | std::uint64_t{number % 10'000} << 32;
  const std::uint64_t hundreds = (fours * 10'486 >> 20) & 0x0000007f'0000007f;
  const std::uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
  const std::uint64_t tens = (twos * 103 >> 10) & 0x000f'000f'000f'000f;
  return tens | (twos - 10 * tens) << 8;
}

// Requires: 0 < number < 10^9.
Digits write_digits(std::uint32_t number) {
  static_assert(std::endian::native == std::endian::little, "the first digit is the lowest byte");
  constexpr std::uint64_t zeros = 0x3030303030303030;
  constexpr std::uint32_t eight_digits = 100'000'000;
  Digits digits;
  const std::uint32_t ninth = number / eight_digits;
  const std::uint64_t spread = spread_digits(number % eight_digits);
  const std::uint64_t text = spread | zeros;
  // All eight may be zeros behind a ninth digit, but without one they are not.
  const int zeros_after = std::countl_zero(spread) / 8;
  if (ninth != 0) {
    digits.text[0] = static_cast<char>('0' + ninth);
    std::memcpy(digits.text + 1, &text, sizeof text);
    digits.count = 9;
  } else {
    const int zeros_before = std::countr_zero(spread) / 8;
    const std::uint64_t shifted = text >> (8 * zeros_before);
    std::memcpy(digits.text, &shifted, sizeof shifted);
    digits.count = 8 - zeros_before;
  }
  digits.significant = digits.count - zeros_after;
  return digits;
}

// Copies of a fixed length are a move or two. They may write beyond what counts, so each says how
// far from the start of the text it may stand. One byte of the room may hold a sign.
constexpr std::size_t room = amount_bytes_max - 1;
constexpr int digits_copy = sizeof(Digits::text);
constexpr int zeros_copy = 16;

// Places the digits without an exponent, and drops the zeros that end a fraction.
char* append_decimal(char* at, ShortestDecimal decimal) {
  const Digits digits = write_digits(decimal.digits);
  const int point = digits.count + decimal.exponent;  // how many digits stand before the point
  if (point <= 0) {
    at = append(at, "0.");
    const int zeros_before = -point;
    static_assert(2 + zeros_copy + digits_copy <= room);
    if (zeros_before <= zeros_copy) [[likely]] {
      std::memset(at, '0', zeros_copy);
      std::memcpy(at + zeros_before, digits.text, digits_copy);
    } else {
      std::memset(at, '0', static_cast<std::size_t>(zeros_before));
      std::memcpy(at + zeros_before, digits.text, static_cast<std::size_t>(digits.significant));
    }
    return at + zeros_before + digits.significant;
  }
  static_assert(10 + digits_copy <= room, "at most 9 digits and a point stand before a fraction");
  std::memcpy(at, digits.text, digits_copy);
  if (decimal.exponent > 0) {
    std::memset(at + digits.count, '0', static_cast<std::size_t>(decimal.exponent));
    return at + point;
  }
  if (digits.significant <= point) return at + point;
  at[point] = '.';
  std::memcpy(at + point + 1, digits.text + point, 8);  // nine digits less those before the point
  return at + digits.significant + 1;
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
  if (digits > exact_integer_max) return {0, 0};
  static_assert(plain_bytes_max <= sizeof exact_powers / sizeof exact_powers[0]);
  // Both operands are exact, so the division rounds as it must (Clinger's simple case). The second
  // rounding, to binary32, then gives what one rounding would have given, unless the first one hit
  // the middle between two binary32 values: every middle is a binary64, so rounding to binary64
  // never carries a number across one.
  const double value = static_cast<double>(digits) / exact_powers[decimals];
  constexpr std::uint64_t cut_bits = (std::uint64_t{1} << 29) - 1;
  constexpr std::uint64_t middle = std::uint64_t{1} << 28;
  if ((std::bit_cast<std::uint64_t>(value) & cut_bits) == middle) [[unlikely]]
    return {0, 0};
  return {static_cast<float>(value), at};
}

std::optional<float> parse_amount(Bytes field) {
  // What may follow a plus is what from_chars takes, and what else it takes, a minus, is refused.
  if (field.starts_with('+')) field.remove_prefix(1);
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
