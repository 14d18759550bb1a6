// One text for formulas that are built alike: most of what is emitted is proved equal by it, and
// the solver decides about the rest.
#pragma once

#include <string>

#include "verifier/formula.h"

namespace weft::prove {

// Formulas of equal texts hold for the same assignments; the opposite need not be true. What is
// said of one variable is put together, order and repetitions do not count.
[[nodiscard]] std::string CanonicalText(const verifier::Formulas& formulas, verifier::FormulaId id);

}  // namespace weft::prove
