#pragma once

#include <cstdint>
#include <string>

namespace ringpost::loadgen {

std::string utc_iso(std::int64_t unix_ms);         // 2026-11-21T16:30:00.250Z
std::string utc_for_people(std::int64_t unix_ms);  // 2026-11-21 16:30 UTC

}  // namespace ringpost::loadgen
