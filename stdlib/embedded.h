// The standard library as compiled in.
#pragma once

#include <span>
#include <string_view>

namespace weft::stdlib {

struct Module {
  std::string_view name;  // "std/resilience"
  std::string_view text;
};

// All modules, by name.
[[nodiscard]] std::span<const Module> Modules();

// Text of the module, "" when there is none of the name.
[[nodiscard]] std::string_view FindModule(std::string_view name);

}  // namespace weft::stdlib
