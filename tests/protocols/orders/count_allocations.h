#pragma once

// Linked into a test, it counts every operator new of the process.

#include <cstddef>

namespace ringpost::orders {

std::size_t allocation_count();

}  // namespace ringpost::orders
