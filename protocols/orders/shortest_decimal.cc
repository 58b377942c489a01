#include "protocols/orders/shortest_decimal.h"

#include <bit>
#include <cstdint>

#include "engine/base/assert.h"

namespace ringpost::orders {

namespace {

constexpr int power_min = -31;
constexpr int power_max = 45;

// 10^k for k in [power_min, power_max], as 64 bits with the top one set, rounded up:
// ceil(10^k * 2^(63 - floor_log2_pow10(k))).
constexpr std::uint64_t powers[] = {
    0x81ceb32c4b43fcf5, 0xa2425ff75e14fc32, 0xcad2f7f5359a3b3f, 0xfd87b5f28300ca0e,
    0x9e74d1b791e07e49, 0xc612062576589ddb, 0xf79687aed3eec552, 0x9abe14cd44753b53,
    0xc16d9a0095928a28, 0xf1c90080baf72cb2, 0x971da05074da7bef, 0xbce5086492111aeb,
    0xec1e4a7db69561a6, 0x9392ee8e921d5d08, 0xb877aa3236a4b44a, 0xe69594bec44de15c,
    0x901d7cf73ab0acda, 0xb424dc35095cd810, 0xe12e13424bb40e14, 0x8cbccc096f5088cc,
    0xafebff0bcb24aaff, 0xdbe6fecebdedd5bf, 0x89705f4136b4a598, 0xabcc77118461cefd,
    0xd6bf94d5e57a42bd, 0x8637bd05af6c69b6, 0xa7c5ac471b478424, 0xd1b71758e219652c,
    0x83126e978d4fdf3c, 0xa3d70a3d70a3d70b, 0xcccccccccccccccd, 0x8000000000000000,
    0xa000000000000000, 0xc800000000000000, 0xfa00000000000000, 0x9c40000000000000,
    0xc350000000000000, 0xf424000000000000, 0x9896800000000000, 0xbebc200000000000,
    0xee6b280000000000, 0x9502f90000000000, 0xba43b74000000000, 0xe8d4a51000000000,
    0x9184e72a00000000, 0xb5e620f480000000, 0xe35fa931a0000000, 0x8e1bc9bf04000000,
    0xb1a2bc2ec5000000, 0xde0b6b3a76400000, 0x8ac7230489e80000, 0xad78ebc5ac620000,
    0xd8d726b7177a8000, 0x878678326eac9000, 0xa968163f0a57b400, 0xd3c21bcecceda100,
    0x84595161401484a0, 0xa56fa5b99019a5c8, 0xcecb8f27f4200f3a, 0x813f3978f8940985,
    0xa18f07d736b90be6, 0xc9f2c9cd04674edf, 0xfc6f7c4045812297, 0x9dc5ada82b70b59e,
    0xc5371912364ce306, 0xf684df56c3e01bc7, 0x9a130b963a6c115d, 0xc097ce7bc90715b4,
    0xf0bdc21abb48db21, 0x96769950b50d88f5, 0xbc143fa4e250eb32, 0xeb194f8e1ae525fe,
    0x92efd1b8d0cf37bf, 0xb7abc627050305ae, 0xe596b7b0c643c71a, 0x8f7e32ce7bea5c70,
    0xb35dbf821ae4f38c};
static_assert(sizeof powers / sizeof powers[0] == power_max - power_min + 1);

// floor(log2(10^k)), for all k in use.
constexpr int floor_log2_pow10(int k) { return k * 1741647 >> 19; }
// floor(log10(2^q)), and floor(log10(3/4 * 2^q)), for all q in use.
constexpr int floor_log10_pow2(int q) { return q * 1262611 >> 22; }
constexpr int floor_log10_three_quarters_pow2(int q) { return (q * 1262611 - 524031) >> 22; }

__extension__ typedef unsigned __int128 Uint128;

// value * power / 2^64 with 2 fraction bits in value; the last bit also stands for everything that
// was cut off, so that comparisons come out as if nothing had been.
std::uint32_t scaled(std::uint64_t power, std::uint32_t value) {
  const Uint128 product = Uint128{power} * value;
  const auto whole = static_cast<std::uint32_t>(product >> 64);
  const auto rest = static_cast<std::uint32_t>(product >> 32);
  return whole | std::uint32_t{rest > 1};
}

}  // namespace

ShortestDecimal shortest_decimal(float value) {
  constexpr int significand_bits = 23;
  constexpr int exponent_bias = 127 + significand_bits;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t fraction = bits & ((1u << significand_bits) - 1);
  const std::uint32_t exponent = bits >> significand_bits;
  DASSERT(bits != 0);
  DASSERT(exponent < 255);  // finite, and no sign

  // value = c * 2^q
  const bool normal = exponent != 0;
  const std::uint32_t c = normal ? fraction | 1u << significand_bits : fraction;
  const int q = (normal ? static_cast<int>(exponent) : 1) - exponent_bias;
  if (-significand_bits <= q && q <= 0 && std::countr_zero(c) >= -q)
    return {c >> -q, 0};  // an integer below 2^24: its own digits are the shortest

  // Any decimal strictly between the middles to both neighbours reads back as the value; the
  // middles themselves do when c is even. Below a power of two the lower neighbour is nearer.
  const bool lower_is_nearer = fraction == 0 && exponent > 1;
  const std::uint32_t open = c & 1;
  const int k = lower_is_nearer ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
  const int shift = q + floor_log2_pow10(-k) + 1;
  const std::uint64_t power = powers[-k - power_min];
  const std::uint32_t low =
      scaled(power, (4 * c - 2 + std::uint32_t{lower_is_nearer}) << shift) + open;
  const std::uint32_t mid = scaled(power, 4 * c << shift);
  const std::uint32_t high = scaled(power, (4 * c + 2) << shift) - open;

  // s * 10^k is the value, cut to a grid on which at least one decimal reads back. A coarser grid
  // by ten has at most one such decimal, and it is shorter.
  const std::uint32_t s = mid / 4;
  if (s >= 10) {
    const std::uint32_t tens = s / 10;
    const bool below_fits = low <= 40 * tens;
    const bool above_fits = 40 * tens + 40 <= high;
    if (below_fits != above_fits) return {tens + std::uint32_t{above_fits}, k + 1};
  }
  const bool below_fits = low <= 4 * s;
  const bool above_fits = 4 * s + 4 <= high;
  if (below_fits != above_fits) return {s + std::uint32_t{above_fits}, k};

  // Both fit, so the nearer one is right; of two that are equally near, the even one.
  const std::uint32_t middle = 4 * s + 2;
  const bool up = mid > middle || (mid == middle && (s & 1) != 0);
  return {s + std::uint32_t{up}, k};
}

}  // namespace ringpost::orders
