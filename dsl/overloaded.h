#pragma once

namespace weft {

// Visitor made of lambdas, for std::visit: a missing alternative is a compile error.
template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace weft
