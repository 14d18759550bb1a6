// Declarations back to the language's text: what a configuration read from another system looks
// like in weft. Reading the text gives declarations that mean the same; spans aside, and aside from
// what only the reader of the other system needs (`Item::by_age`, `AccessDecl::adds_in_original`).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dsl/declarations.h"

namespace weft::dsl {

struct PrintOptions {
  // Comment lines (without `//`) that belong above what stands at the place; may be empty.
  std::function<std::vector<std::string>(Span)> comments;
};

// Text by file path: `mesh.weft` for what belongs to the mesh, `<workspace>/<subject>.weft` for the
// rest. Formatted as `weft fmt` does. Templates, predicates, `use`, tests and proofs are not
// printed: a program read from another system has none.
[[nodiscard]] std::map<std::string, std::string> Print(const Program& program,
                                                       const PrintOptions& options);

// Parts, for messages and tests.
[[nodiscard]] std::string PrintItem(const Item& item);
[[nodiscard]] std::string PrintCondition(const Condition& condition);
[[nodiscard]] std::string PrintSelection(const Selection& selection);

}  // namespace weft::dsl
