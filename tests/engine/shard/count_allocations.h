#pragma once

// Linked into a test with `-Wl,--wrap=malloc,...` (see count_every_allocation in CMakeLists.txt),
// it counts every allocation of the process: operator new, malloc and its kin.

#include <cstddef>

namespace ringpost::engine {

std::size_t allocation_count();

}  // namespace ringpost::engine
