#include "engine/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace ringpost::engine {

void assertion_failed(const char* expression, const char* file, int line, const char* function) {
  std::fprintf(stderr, "%s:%d: %s: assertion failed: %s\n", file, line, function, expression);
  std::abort();
}

}  // namespace ringpost::engine
