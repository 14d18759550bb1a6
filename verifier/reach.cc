#include "verifier/reach.h"

#include "engine/delivery.h"
#include "verifier/callers.h"
#include "verifier/question.h"
#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

// Asks for every candidate by itself whether it gets in, and whether always.
void AskPort(const engine::Model& model, Solver& solver, Atlas& atlas, engine::ServiceId service,
             engine::ClusterId cluster, const engine::ServicePort& port,
             const std::vector<Candidate>& candidates, std::vector<Reach>& out) {
  const engine::Guard* guard = engine::EnforcedGuard(model, {cluster, service, ""});
  const Study study = Prepare(atlas, &candidates, [&](Space& space, Formulas& formulas) {
    const View view{.rule = nullptr, .port = port.number, .peer = nullptr};
    std::vector<FormulaId> parts{Passes(space, formulas, model, guard, LayerOf(port), view)};
    for (const Candidate& candidate : candidates) {
      parts.push_back(space.CallerIs([&](const Candidate& c) { return &c == &candidate; }));
    }
    return parts;
  });
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    Reach reach{.service = service,
                .cluster = cluster,
                .port = port.number,
                .caller = candidates[i],
                .example = RequestTo(model, service, cluster, port, candidates[i])};
    if (!study.decidable) {
      reach.undecided = true;
      out.push_back(std::move(reach));
      continue;
    }
    const FormulaId from = study.parts[i + 1];
    const Found found = Ask(solver, study, study.formulas->And({study.parts[0], from}));
    if (found.verdict == Verdict::kUnsat) continue;
    if (found.Sat()) {
      reach.example = found.Request(std::move(reach.example));
      const FormulaId refused = study.formulas->And({study.formulas->Not(study.parts[0]), from});
      reach.always = Ask(solver, study, refused).verdict == Verdict::kUnsat;
    } else {
      reach.undecided = true;
    }
    out.push_back(std::move(reach));
  }
}

}  // namespace

std::vector<Reach> WhoCan(const engine::Model& model, engine::ServiceId service) {
  std::vector<Reach> found;
  Solver solver;
  Atlas atlas(model);
  const Callers callers(model);
  for (const engine::ServiceInstance& instance : model[service].instances) {
    const bool anywhere = !DestinationsOf(model, service, instance.cluster).empty();
    std::vector<Candidate> candidates;
    for (const Candidate& c : callers.all()) {
      if (!anywhere && !c.source.IsNone() && c.cluster != instance.cluster) continue;
      candidates.push_back(c);
    }
    for (const engine::ServicePort& port : instance.ports) {
      AskPort(model, solver, atlas, service, instance.cluster, port, candidates, found);
    }
  }
  return found;
}

std::vector<Reach> CanReach(const engine::Model& model, const Candidate& caller) {
  std::vector<Reach> found;
  Solver solver;
  Atlas atlas(model);
  const std::vector<Candidate> candidates{caller};
  for (std::uint32_t i = 0; i < model.services.size(); ++i) {
    for (const engine::ServiceInstance& instance : model.services[i].instances) {
      const bool anywhere = !DestinationsOf(model, {i}, instance.cluster).empty();
      if (!anywhere && instance.cluster != caller.cluster) continue;
      for (const engine::ServicePort& port : instance.ports) {
        AskPort(model, solver, atlas, {i}, instance.cluster, port, candidates, found);
      }
    }
  }
  return found;
}

}  // namespace weft::verifier
