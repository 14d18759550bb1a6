// Z3 behind a small door: satisfiability of a formula over finite domains.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "verifier/formula.h"

namespace weft::verifier {

enum class Verdict { kSat, kUnsat, kUnknown };

struct Answer {
  Verdict verdict = Verdict::kUnknown;
  Assignment assignment;  // kSat: a value for every variable; small values where any would do
};

// One Z3 context and solver, used again for every question. Limits are counted in Z3's resource
// units, not in time, so that verdicts are reproducible. Not thread-safe.
class Solver {
 public:
  explicit Solver(unsigned resource_limit = 20'000'000);
  ~Solver();
  Solver(const Solver&) = delete;
  Solver& operator=(const Solver&) = delete;

  // Whether some assignment makes the formula true.
  [[nodiscard]] Answer Solve(const Formulas& formulas, FormulaId formula);
  // Questions put to Z3 so far. Constants are answered without it, and so are formulas for which a
  // satisfying assignment is found by trying.
  [[nodiscard]] std::uint64_t questions() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The same question answered by trying every assignment of the variables that occur: the second
// opinion for tests. nullopt when there are more than `limit` assignments.
[[nodiscard]] std::optional<bool> SolveByEnumeration(const Formulas& formulas, FormulaId formula,
                                                     std::uint64_t limit = 1'000'000);

}  // namespace weft::verifier
