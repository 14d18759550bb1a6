#include "verifier/server_study.h"

#include <utility>

#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

// The parts in one list, as Prepare wants them: foreign, open, allow..., deny...
std::vector<FormulaId> Parts(Space& space, Formulas& formulas, const engine::Model& model,
                             const engine::Guard* guard, engine::Layer layer, const View& view,
                             const std::set<engine::WorkspaceId>& admitted) {
  std::vector<FormulaId> parts{
      space.CallerIs([&](const Candidate& c) { return IsForeign(admitted, c); })};
  if (guard == nullptr) {
    parts.push_back(kTrue);
    return parts;
  }
  engine::Guard rest = *guard;
  rest.deny.clear();
  rest.allow.clear();
  rest.closed = false;
  parts.push_back(Passes(space, formulas, model, &rest, layer, view));
  for (const auto* rules : {&guard->allow, &guard->deny}) {
    for (const engine::AccessRuleId rule : *rules) {
      parts.push_back(Applies(space, formulas, model[rule], layer, SeenBy(guard, view)));
    }
  }
  return parts;
}

void Assemble(ServerStudy& made, const engine::Guard* guard) {
  const std::vector<FormulaId>& parts = made.study.parts;
  Formulas& formulas = *made.study.formulas;
  made.foreign = parts[0];
  made.open = made.passes = parts[1];
  if (guard == nullptr) return;
  const auto denies = parts.begin() + 2 + static_cast<std::ptrdiff_t>(guard->allow.size());
  made.allow.assign(parts.begin() + 2, denies);
  made.deny.assign(denies, parts.end());
  std::vector<FormulaId> all{made.open};
  for (const FormulaId deny : made.deny) all.push_back(formulas.Not(deny));
  if (guard->closed) all.push_back(formulas.Or(made.allow));
  made.passes = formulas.And(std::move(all));
}

}  // namespace

std::set<engine::WorkspaceId> AdmittedTo(const engine::Model& model, engine::ServiceId id,
                                         engine::ClusterId cluster) {
  std::set<engine::WorkspaceId> admitted{model[id].workspace};
  for (const engine::Grant& grant : model[id].grants) admitted.insert(grant.to);
  for (const engine::DestinationId d : DestinationsOf(model, id, cluster)) {
    for (const engine::Grant& grant : model[d].grants) admitted.insert(grant.to);
  }
  return admitted;
}

bool IsForeign(const std::set<engine::WorkspaceId>& admitted, const Candidate& candidate) {
  return candidate.workspace.IsNone() || !candidate.identity ||
         !admitted.contains(candidate.workspace);
}

const ServerStudy& ServerStudies::Of(const engine::Guard* guard, engine::ServiceId service,
                                     engine::ClusterId cluster, const engine::ServicePort& port) {
  std::unique_ptr<const ServerStudy>& kept = made_[{guard, service, cluster, port.number}];
  if (kept != nullptr) return *kept;
  auto made = std::make_unique<ServerStudy>();
  const std::set<engine::WorkspaceId> admitted = AdmittedTo(model_, service, cluster);
  const bool anywhere = !DestinationsOf(model_, service, cluster).empty();
  std::vector<const engine::CallerSet*> sets;
  if (guard != nullptr) sets = CallerSetsOf(model_, *guard);
  std::vector<std::vector<engine::Caller>> whom;
  for (const engine::CallerSet* set : sets) whom.push_back(set->any_of);
  const auto [known, fresh] = relevant_.try_emplace({std::move(whom), admitted, cluster, anywhere});
  if (fresh) {
    known->second = callers_.Relevant(sets, cluster, anywhere,
                                      [&](const Candidate& c) { return IsForeign(admitted, c); });
  }
  made->callers = known->second;
  const View view{.rule = nullptr, .port = port.number, .peer = nullptr};
  made->study = Prepare(atlas_, &made->callers, [&](Space& space, Formulas& formulas) {
    return Parts(space, formulas, model_, guard, LayerOf(port), view, admitted);
  });
  if (made->study.decidable) Assemble(*made, guard);
  kept = std::move(made);
  return *kept;
}

}  // namespace weft::verifier
