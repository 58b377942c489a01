#pragma once

// Assertions guard our own invariants, never what a peer sends.
//
//   ASSERT(x)   stays on in every build: a broken invariant of memory or order must stop us
//   DASSERT(x)  only in dev and sanitizer builds (RINGPOST_DEBUG): too dear for the hot path
//   MAYBE(x)    documents that x may be true or false here, and that both are handled

namespace ringpost::engine {

// Prints file, line and the expression on standard error and aborts. Callable from any thread. (The
// built-ins, because clang 14 does not have std::source_location.)
[[noreturn, gnu::cold, gnu::noinline]] void assertion_failed(
    const char* expression, const char* file = __builtin_FILE(), int line = __builtin_LINE(),
    const char* function = __builtin_FUNCTION());

}  // namespace ringpost::engine

#define ASSERT(x) (static_cast<bool>(x) ? void(0) : ::ringpost::engine::assertion_failed(#x))

#ifdef RINGPOST_DEBUG
#define DASSERT(x) ASSERT(x)
#else
#define DASSERT(x) ((void)sizeof(static_cast<bool>(x)))
#endif

#define MAYBE(x) ((void)sizeof(static_cast<bool>(x)))
