#pragma once

// Result<T, E>: a value, or the reason why the world did not give one. Names as in std::expected,
// which clang 14 does not have yet; this header is the only place that knows. Outcomes that are not
// failures (full, need more) are enums instead.

#include <utility>
#include <variant>

#include "engine/base/assert.h"

namespace ringpost::engine {

template <typename E>
struct Unexpected {
  E error;
};
template <typename E>
Unexpected(E) -> Unexpected<E>;

template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Unexpected<E> failure)                              // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<1>, std::move(failure.error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // Requires: has_value().
  T& value() {
    ASSERT(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const {
    ASSERT(has_value());
    return *std::get_if<0>(&state_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }

  // Requires: !has_value().
  const E& error() const {
    ASSERT(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, E> state_;
};

}  // namespace ringpost::engine
