// Conditions written out as Istio needs them: alternatives (OR) of conjunctions (AND) of possibly
// negated matchers.
#pragma once

#include <optional>
#include <vector>

#include "engine/condition.h"

namespace weft::emit::istio {

struct Literal {
  const engine::Matcher* matcher = nullptr;
  bool negated = false;
  Span span;
};
using Conjunction = std::vector<Literal>;

// Disjunctive normal form; empty = never, one empty conjunction = always. nullopt when there are
// more than `limit` alternatives. Pointers lead into `condition`.
[[nodiscard]] std::optional<std::vector<Conjunction>> CasesOf(const engine::Condition& condition,
                                                              std::size_t limit = 512);

}  // namespace weft::emit::istio
