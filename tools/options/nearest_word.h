#pragma once

// What somebody most likely meant who typed a word that is not there.

#include <optional>
#include <span>
#include <string_view>

namespace ringpost::tools {

// The one of `words` most like `word`, if any is like enough to have been meant.
std::optional<std::string_view> nearest_word(std::string_view word,
                                             std::span<const std::string_view> words);

}  // namespace ringpost::tools
