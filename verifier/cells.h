// Cells: a proof that can be checked without a solver. The requests of a question are divided until
// of each part one thing alone says why nothing of it is a counterexample.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "verifier/formula.h"

namespace weft::verifier {

// A node of the division; the first is all requests. Either it is divided by the value of `var`:
// `members` go to the node `yes`, the rest to `no`, both later in the list; or it is a cell, in
// which the formula number `by` holds for no request.
struct Cell {
  bool divided = false;
  VarId var;
  std::vector<bool> members;
  std::uint32_t yes = 0;
  std::uint32_t no = 0;
  std::uint32_t by = 0;
};

// Divides all requests, if no request satisfies every one of `all`. nullopt when some request does,
// or more than `limit` nodes would be needed. Deterministic.
[[nodiscard]] std::optional<std::vector<Cell>> Divide(const Formulas& formulas,
                                                      const std::vector<FormulaId>& all,
                                                      std::size_t limit = 50'000);

}  // namespace weft::verifier
