#pragma once

// Assertions guard our own invariants, never what a peer sends.
//
//   ASSERT(x)   stays on in every build: a broken invariant of memory or order must stop the
//   process. DASSERT(x)  only in dev and sanitizer builds (RINGPOST_DEBUG): checks too dear for the
//   hot path. MAYBE(x)    documents that x may be true or false here, and that both are handled.

#include <source_location>

namespace ringpost::engine {

// Prints file, line and the expression on standard error and aborts. Callable from any thread.
[[noreturn, gnu::cold, gnu::noinline]] void assertion_failed(
    const char* expression, std::source_location where = std::source_location::current());

}  // namespace ringpost::engine

#define ASSERT(x) (static_cast<bool>(x) ? void(0) : ::ringpost::engine::assertion_failed(#x))

#ifdef RINGPOST_DEBUG
#define DASSERT(x) ASSERT(x)
#else
#define DASSERT(x) ((void)sizeof(static_cast<bool>(x)))
#endif

#define MAYBE(x) ((void)sizeof(static_cast<bool>(x)))
