#include "tools/loadgen/talk.h"

#include <array>

namespace ringpost::loadgen {

std::string_view to_text(FaultKind kind) {
  constexpr std::array<std::string_view, fault_kinds> texts = {
      "wrong bytes", "missing", "duplicate", "out of order", "unexpected"};
  return texts[static_cast<std::size_t>(kind)];
}

}  // namespace ringpost::loadgen
