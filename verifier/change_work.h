// State of one comparison of two versions; internal to verifier/. Each file that compares one kind
// of place reports here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "verifier/callers.h"
#include "verifier/change.h"
#include "verifier/question.h"
#include "verifier/solver.h"
#include "verifier/versions.h"

namespace weft::verifier {

// One request on both sides, and what the reference evaluator says of it.
struct Replay {
  engine::Request before, after;
  engine::Outcome was, now;
};

// Places in either version.
struct SideLines {
  std::vector<Span> before, after;
  [[nodiscard]] bool IsEmpty() const { return before.empty() && after.empty(); }
};

class ChangeWork {
 public:
  ChangeWork(std::shared_ptr<const Versions> versions, const ChangeOptions& options);
  ChangeWork(const ChangeWork&) = delete;
  ChangeWork& operator=(const ChangeWork&) = delete;

  [[nodiscard]] const engine::Model& before() const { return versions_->before; }
  [[nodiscard]] const engine::Model& after() const { return versions_->after; }
  // From ids of the version after to those of the version before.
  [[nodiscard]] const Counterparts& back() const { return back_; }
  [[nodiscard]] const Callers& callers() const { return callers_; }
  [[nodiscard]] Atlas& atlas() { return atlas_; }
  [[nodiscard]] Solver& solver() { return solver_; }

  // Evaluates the request on both sides. A request whose own side gets in the way of the claim is
  // tried as one that goes around its proxy.
  [[nodiscard]] Replay Evaluate(engine::Request before, engine::Request after) const;
  [[nodiscard]] Replay EvaluateFor(ChangeKind kind, const engine::Request& before,
                                   const engine::Request& after) const;

  // Adds the change, or joins it to one of the same kind and cause. `was` and `now` are filled in
  // from the outcomes when empty. The cause is what was edited of the lines of the change, else of
  // those that decided the request, else of `context`.
  void Report(Change change, const Replay& replay, const SideLines& context = {});
  void Undecided(const std::string& where, const std::string& reason);
  void Unconfirmed() { ++report_.unconfirmed; }

  // Groups and sorts. Ends the comparison.
  [[nodiscard]] ChangeReport Finish();

 private:
  // The edited lines within those; where only one side was edited, with what they replace.
  [[nodiscard]] SideLines EditedOf(const SideLines& lines) const;
  [[nodiscard]] SideLines Elsewhere(const SideLines& said, const SideLines& decided) const;
  [[nodiscard]] std::vector<Span> EditedOn(bool after, std::vector<Span> spans) const;

  std::shared_ptr<const Versions> versions_;
  const ChangeOptions& options_;
  Counterparts back_;
  Callers callers_;
  Atlas atlas_;
  Solver solver_;
  ChangeReport report_;
};

// What the evaluators say agrees with the kind of change.
[[nodiscard]] bool Shows(ChangeKind kind, const Replay& replay);

// The places of the condition's parts, which may stand in a predicate.
void AddPlaces(const engine::Condition& condition, std::vector<Span>& places);

// "2s", "500ms".
[[nodiscard]] std::string DurationText(engine::Millis time);

// "namespace/account@cluster".
[[nodiscard]] std::string CallerName(const engine::Model& model, const Candidate& candidate);

// The comparisons, in the order they run.
void CompareServers(ChangeWork& work);
void CompareRoutes(ChangeWork& work);
void CompareSettings(ChangeWork& work);

}  // namespace weft::verifier
