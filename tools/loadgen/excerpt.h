#pragma once

// Bytes of the wire in messages for people.

#include <string>

#include "engine/base/bytes.h"

namespace ringpost::loadgen {

// At most `bytes_max` of the bytes, in quotes, what cannot be printed as \xNN.
std::string excerpt(engine::Bytes bytes, std::size_t bytes_max = 32);
// Where `got` first differs from `wanted`, and how. Requires: it does.
std::string difference(engine::Bytes wanted, engine::Bytes got);

}  // namespace ringpost::loadgen
