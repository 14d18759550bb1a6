// Paths matched by Envoy's pseudo-header `:path`, which carries the query too.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsl/pattern.h"

namespace weft::emit::istio {

// RE2 text over the whole header that holds when the path in front of the query fits one of the
// patterns, whatever the query says. nullopt: one of them is an expression that cannot be kept out
// of the query.
[[nodiscard]] std::optional<std::string> PathHeaderRegex(const std::vector<Pattern>& patterns);

}  // namespace weft::emit::istio
