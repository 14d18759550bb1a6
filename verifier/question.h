// Questions to the solver: is there a request such that …, and which?
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "verifier/solver.h"
#include "verifier/space.h"

namespace weft::verifier {

// Formulas over one space of requests, about which several questions can be asked.
struct Study {
  std::shared_ptr<Formulas> formulas;
  std::shared_ptr<Space> space;
  std::vector<FormulaId> parts;  // what `make` gave
  bool decidable = false;
  std::string reason;  // when it is not
};

// `make(space, formulas)` gives a vector of formulas; it runs twice, first to collect patterns, and
// must do the same both times. `candidates` (may be null) and the atlas must outlive the study.
template <typename Make>
[[nodiscard]] Study Prepare(Atlas& atlas, const std::vector<Candidate>* candidates, Make make) {
  Study study;
  study.formulas = std::make_shared<Formulas>();
  study.space = std::make_shared<Space>(*study.formulas, atlas);
  if (candidates != nullptr) study.space->SetCandidates(candidates);
  (void)make(*study.space, *study.formulas);
  study.decidable = !study.space->gave_up() && study.space->Freeze();
  study.reason = study.space->reason();
  if (study.decidable) study.parts = make(*study.space, *study.formulas);
  return study;
}

struct Found {
  Verdict verdict = Verdict::kUnknown;
  std::string reason;  // kUnknown: why
  Assignment assignment;
  std::shared_ptr<Space> space;

  [[nodiscard]] bool Sat() const { return verdict == Verdict::kSat; }
  [[nodiscard]] engine::Request Request(engine::Request base) const {
    return space->Witness(assignment, std::move(base));
  }
  [[nodiscard]] const Candidate* Caller() const { return space->CallerOf(assignment); }
};

// Whether some request satisfies the formula.
[[nodiscard]] inline Found Ask(Solver& solver, const Study& study, FormulaId formula) {
  Found found;
  found.space = study.space;
  Answer answer = solver.Solve(*study.formulas, formula);
  found.verdict = answer.verdict;
  found.assignment = std::move(answer.assignment);
  found.assignment.resize(study.formulas->sizes().size(), 0);
  if (found.verdict == Verdict::kUnknown) found.reason = "the solver reached its limit";
  return found;
}

}  // namespace weft::verifier
