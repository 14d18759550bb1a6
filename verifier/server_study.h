// One port of a service, prepared once for every property that asks what gets in there.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <vector>

#include "engine/model.h"
#include "verifier/atlas.h"
#include "verifier/callers.h"
#include "verifier/question.h"

namespace weft::verifier {

struct ServerStudy {
  std::vector<Candidate> callers;  // of every kind one, see Callers::Relevant
  Study study;                     // `parts` are those below
  FormulaId foreign = kFalse;      // from a caller the service is not shared with
  FormulaId open = kTrue;          // everything but `allow` and `deny` lets it in
  std::vector<FormulaId> allow;    // the rule applies; in the order of the guard
  std::vector<FormulaId> deny;
  FormulaId passes = kTrue;  // the guard lets it in
};

// Workspaces whose callers may reach the service: its own, and those it is exported to.
[[nodiscard]] std::set<engine::WorkspaceId> AdmittedTo(const engine::Model& model,
                                                       engine::ServiceId id,
                                                       engine::ClusterId cluster);

// The caller is of none of the workspaces, or nobody knows who it is.
[[nodiscard]] bool IsForeign(const std::set<engine::WorkspaceId>& admitted,
                             const Candidate& candidate);

// Keeps what it made. Not thread-safe.
class ServerStudies {
 public:
  ServerStudies(const engine::Model& model, const Callers& callers, Atlas& atlas)
      : model_(model), callers_(callers), atlas_(atlas) {}

  // `guard` may be null: everything is let in.
  [[nodiscard]] const ServerStudy& Of(const engine::Guard* guard, engine::ServiceId service,
                                      engine::ClusterId cluster, const engine::ServicePort& port);

 private:
  using Key = std::tuple<const engine::Guard*, engine::ServiceId, engine::ClusterId, std::uint16_t>;

  const engine::Model& model_;
  const Callers& callers_;
  Atlas& atlas_;
  std::map<Key, std::unique_ptr<const ServerStudy>> made_;
  // Callers to try, by the sets of the guard's rules, whom the service is shared with, its cluster,
  // and whether callers of other clusters count: the services of a workspace often agree.
  using Question = std::tuple<std::vector<std::vector<engine::Caller>>,
                              std::set<engine::WorkspaceId>, engine::ClusterId, bool>;
  std::map<Question, std::vector<Candidate>> relevant_;
};

}  // namespace weft::verifier
