#include "protocols/websocket/utf8_avx2.h"

#include "engine/base/assert.h"

#ifdef __x86_64__

#include <immintrin.h>

#include <cstring>

namespace ringpost::websocket {

namespace {

// The functions here are compiled for AVX2 one by one: what the file takes from headers must still
// run everywhere.
#define RINGPOST_AVX2 [[gnu::target("avx2"), gnu::always_inline]] inline

constexpr std::size_t vector_bytes = sizeof(__m256i);

// What two bytes in a row may be wrong in. A pair is wrong in what three tables agree on: by the
// first byte's halves and the upper half of the second.
constexpr unsigned too_short = 1 << 0;       // a lead or ASCII after a lead
constexpr unsigned too_long = 1 << 1;        // a continuation of ASCII
constexpr unsigned overlong_3 = 1 << 2;      // e0 and below a0
constexpr unsigned too_large = 1 << 3;       // above f4 8f
constexpr unsigned surrogate = 1 << 4;       // ed and above 9f
constexpr unsigned overlong_2 = 1 << 5;      // c0, c1
constexpr unsigned too_large_1000 = 1 << 6;  // f5 and more, and 8_
constexpr unsigned overlong_4 = 1 << 6;      // f0 and 8_
constexpr unsigned two_continuations = 1 << 7;
constexpr unsigned by_upper_halves = too_short | too_long | two_continuations;

// A table of sixteen, for both halves of a vector: shuffles do not cross.
struct Table {
  alignas(vector_bytes) unsigned char values[vector_bytes];

  constexpr explicit Table(const unsigned (&of)[16]) : values() {
    for (std::size_t i = 0; i < vector_bytes; ++i)
      values[i] = static_cast<unsigned char>(of[i % 16]);
  }
};

constexpr Table first_upper({
    too_long, too_long, too_long, too_long, too_long, too_long, too_long, too_long,  // ASCII
    two_continuations, two_continuations, two_continuations, two_continuations,
    too_short | overlong_2,                               // c_
    too_short,                                            // d_
    too_short | overlong_3 | surrogate,                   // e_
    too_short | too_large | too_large_1000 | overlong_4,  // f_
});
constexpr unsigned above_4 = by_upper_halves | too_large | too_large_1000;
constexpr Table first_lower({
    by_upper_halves | overlong_3 | overlong_2 | overlong_4,  // _0
    by_upper_halves | overlong_2,                            // _1
    by_upper_halves,
    by_upper_halves,
    by_upper_halves | too_large,  // _4
    above_4,
    above_4,
    above_4,
    above_4,
    above_4,
    above_4,
    above_4,
    above_4,
    above_4 | surrogate,  // _d
    above_4,
    above_4,
});
constexpr unsigned continuation = too_long | overlong_2 | two_continuations;
constexpr Table second_upper({
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,
    too_short,
    continuation | overlong_3 | too_large_1000 | overlong_4,  // 8_
    continuation | overlong_3 | too_large,                    // 9_
    continuation | surrogate | too_large,                     // a_
    continuation | surrogate | too_large,                     // b_
    too_short,
    too_short,
    too_short,
    too_short,
});

RINGPOST_AVX2 __m256i load(const void* at) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(at));
}

RINGPOST_AVX2 __m256i filled(unsigned byte) { return _mm256_set1_epi8(static_cast<char>(byte)); }

RINGPOST_AVX2 __m256i looked_up(const Table& table, __m256i halves) {
  return _mm256_shuffle_epi8(load(table.values), halves);
}

RINGPOST_AVX2 bool is_ascii(__m256i bytes) { return _mm256_movemask_epi8(bytes) == 0; }

// Text without its end, a vector after the other. What is wrong gathers in `wrong_`.
class Checker {
 public:
  RINGPOST_AVX2 Checker()
      : before_(_mm256_setzero_si256()),
        unfinished_(_mm256_setzero_si256()),
        wrong_(_mm256_setzero_si256()) {}

  RINGPOST_AVX2 void take_ascii(__m256i bytes) {
    wrong_ = _mm256_or_si256(wrong_, unfinished_);
    unfinished_ = _mm256_setzero_si256();
    before_ = bytes;
  }

  RINGPOST_AVX2 void take(__m256i bytes) {
    // The last sixteen bytes from before and the first sixteen of these.
    const __m256i across = _mm256_permute2x128_si256(before_, bytes, 0x21);
    const __m256i first = _mm256_alignr_epi8(bytes, across, 15);
    const __m256i pairs = wrong_pairs(first, bytes);
    // A pair of continuations is right where a lead two or three bytes before asks for it.
    const __m256i third = _mm256_subs_epu8(_mm256_alignr_epi8(bytes, across, 14), filled(0x60));
    const __m256i fourth = _mm256_subs_epu8(_mm256_alignr_epi8(bytes, across, 13), filled(0x70));
    const __m256i asked = _mm256_and_si256(_mm256_or_si256(third, fourth), filled(0x80));
    wrong_ = _mm256_or_si256(wrong_, _mm256_xor_si256(asked, pairs));
    unfinished_ = begun(bytes);
    before_ = bytes;
  }

  RINGPOST_AVX2 bool right_to_the_end() const {
    const __m256i all = _mm256_or_si256(wrong_, unfinished_);
    return _mm256_testz_si256(all, all) != 0;
  }

 private:
  RINGPOST_AVX2 static __m256i wrong_pairs(__m256i first, __m256i second) {
    const __m256i low = filled(0x0f);
    const __m256i first_halves = _mm256_and_si256(_mm256_srli_epi16(first, 4), low);
    const __m256i second_halves = _mm256_and_si256(_mm256_srli_epi16(second, 4), low);
    return _mm256_and_si256(_mm256_and_si256(looked_up(first_upper, first_halves),
                                             looked_up(first_lower, _mm256_and_si256(first, low))),
                            looked_up(second_upper, second_halves));
  }

  // Not 0 where a character begins that does not end in this vector.
  RINGPOST_AVX2 static __m256i begun(__m256i bytes) {
    constexpr char any = static_cast<char>(0xff);
    const __m256i highest =
        _mm256_setr_epi8(any, any, any, any, any, any, any, any, any, any, any, any, any, any, any,
                         any, any, any, any, any, any, any, any, any, any, any, any, any, any,
                         static_cast<char>(0xef), static_cast<char>(0xdf), static_cast<char>(0xbf));
    return _mm256_subs_epu8(bytes, highest);
  }

  __m256i before_;
  __m256i unfinished_;
  __m256i wrong_;
};

// The vector that is `at` bytes behind the begin. `unmasks`: the bytes are xored with `mask` and
// written to `out`, which is nothing otherwise.
template <bool unmasks>
RINGPOST_AVX2 __m256i next(char* out, const char* in, std::size_t at, __m256i mask) {
  if constexpr (unmasks) {
    const __m256i bytes = _mm256_xor_si256(load(in + at), mask);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + at), bytes);
    return bytes;
  } else {
    return load(in + at);
  }
}

template <bool unmasks>
RINGPOST_AVX2 bool run(char* out, engine::Bytes in, Mask word) {
  const __m256i mask = _mm256_set1_epi32(static_cast<int>(word.word()));
  Checker checker;
  std::size_t at = 0;
  for (; in.size() - at >= 2 * vector_bytes; at += 2 * vector_bytes) {
    const __m256i first = next<unmasks>(out, in.data(), at, mask);
    const __m256i second = next<unmasks>(out, in.data(), at + vector_bytes, mask);
    if (is_ascii(_mm256_or_si256(first, second))) {
      checker.take_ascii(second);
    } else {
      checker.take(first);
      checker.take(second);
    }
  }
  if (in.size() - at >= vector_bytes) {
    checker.take(next<unmasks>(out, in.data(), at, mask));
    at += vector_bytes;
  }
  if (at == in.size()) return checker.right_to_the_end();
  alignas(vector_bytes) char rest[vector_bytes] = {};
  std::memcpy(rest, in.data() + at, in.size() - at);
  // Behind the rest there stay zeros, which are ASCII.
  if constexpr (unmasks) {
    unmask(rest, {rest, in.size() - at}, word);
    std::memcpy(out + at, rest, in.size() - at);
  }
  checker.take(load(rest));
  return checker.right_to_the_end();
}

}  // namespace

bool can_avx2() { return __builtin_cpu_supports("avx2") != 0; }

[[gnu::target("avx2")]] bool is_utf8_avx2(engine::Bytes text) {
  return run<false>(nullptr, text, Mask());
}

[[gnu::target("avx2")]] bool unmask_utf8_avx2(char* out, engine::Bytes payload, Mask mask) {
  return run<true>(out, payload, mask);
}

}  // namespace ringpost::websocket

#else

namespace ringpost::websocket {

bool can_avx2() { return false; }

bool is_utf8_avx2(engine::Bytes) {
  ASSERT(!"called where it can run");
  return false;
}

bool unmask_utf8_avx2(char*, engine::Bytes, Mask) {
  ASSERT(!"called where it can run");
  return false;
}

}  // namespace ringpost::websocket

#endif
