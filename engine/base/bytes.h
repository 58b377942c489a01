#pragma once

// Bytes: a read-only run of bytes owned by somebody else. A string_view, because find, compare and
// literals come with it; it implies no encoding and no terminator.

#include <string_view>

namespace ringpost::engine {

using Bytes = std::string_view;

}  // namespace ringpost::engine
