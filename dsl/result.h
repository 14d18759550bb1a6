// A value or an error of the world (file, process, solver). Errors of the user's policy are
// Diagnostics, never a Result.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "dsl/check.h"

namespace weft {

struct Error {
  std::string message;  // lower-case start, no final period
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Requires ok().
  [[nodiscard]] T& value() & { return *Value(); }
  [[nodiscard]] const T& value() const& {
    return const_cast<Result*>(this)->value();  // NOLINT
  }
  [[nodiscard]] T&& value() && { return std::move(*Value()); }
  // Requires !ok().
  [[nodiscard]] const std::string& error() const {
    const Error* error = std::get_if<1>(&state_);
    Check(error != nullptr, "error() of a Result that holds a value");
    return error->message;
  }

 private:
  T* Value() {
    T* value = std::get_if<0>(&state_);
    Check(value != nullptr, "value() of a Result that holds an error");
    return value;
  }
  std::variant<T, Error> state_;
};

struct Unit {};
using Status = Result<Unit>;

}  // namespace weft
