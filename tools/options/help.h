#pragma once

// The part of --help that comes from the rows, at most 80 columns wide.

#include <span>
#include <string>

#include "tools/options/row.h"

namespace ringpost::tools {

struct HelpShape {
  std::size_t text_column;           // where the explanations begin
  std::size_t long_name_column = 2;  // where a long name begins that has no short one before it
};

std::string explain(std::span<const Row> rows, const HelpShape& shape);

}  // namespace ringpost::tools
