#include "verifier/reach.h"

#include <optional>

#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "verifier/callers.h"
#include "verifier/question.h"
#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

using engine::ClusterId;
using engine::Model;
using engine::ServicePort;
using engine::TargetRef;

// Whether some request for which `let_in` holds and that comes `from` there is, and whether all
// of those are let in; nullopt when nothing is let in.
std::optional<Reach> AskFrom(Solver& solver, const Study& study, FormulaId let_in, FormulaId from,
                             Reach reach) {
  if (!study.decidable) {
    reach.undecided = true;
    return reach;
  }
  const Found found = Ask(solver, study, study.formulas->And({let_in, from}));
  if (found.verdict == Verdict::kUnsat) return std::nullopt;
  reach.undecided = !found.Sat();
  if (reach.undecided) return reach;
  reach.example = found.Request(std::move(reach.example));
  const FormulaId refused = study.formulas->And({study.formulas->Not(let_in), from});
  reach.always = Ask(solver, study, refused).verdict == Verdict::kUnsat;
  return reach;
}

// Asks about one port of a service: once for each way its rules see callers, answered for all
// callers they see so.
class PortQuestion {
 public:
  PortQuestion(const Model& model, const Callers& callers, Solver& solver, Atlas& atlas)
      : model_(model), callers_(callers), solver_(solver), atlas_(atlas) {}

  void Ask(engine::ServiceId service, ClusterId cluster, const ServicePort& port,
           std::vector<Reach>& out) {
    const engine::Guard* guard = engine::EnforcedGuard(model_, {cluster, service, ""});
    const bool anywhere = !DestinationsOf(model_, service, cluster).empty();
    std::vector<const engine::CallerSet*> sets;
    if (guard != nullptr) sets = CallerSetsOf(model_, *guard);
    const std::vector<Candidate> asked = callers_.Relevant(sets, cluster, anywhere, {});
    const Study study = Prepare(atlas_, &asked, [&](Space& space, Formulas& formulas) {
      const View view{.rule = nullptr, .port = port.number, .peer = nullptr};
      std::vector<FormulaId> parts{Passes(space, formulas, model_, guard, LayerOf(port), view)};
      for (const Candidate& one : asked) {
        parts.push_back(space.CallerIs([&](const Candidate& c) { return &c == &one; }));
      }
      return parts;
    });
    std::vector<std::optional<Reach>> answers;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      Reach reach{.target = service,
                  .cluster = cluster,
                  .port = port.number,
                  .caller = asked[i],
                  .example = RequestTo(model_, service, cluster, port, asked[i])};
      const FormulaId from = study.decidable ? study.parts[i + 1] : kTrue;
      const FormulaId let_in = study.decidable ? study.parts[0] : kTrue;
      answers.push_back(AskFrom(solver_, study, let_in, from, std::move(reach)));
    }
    const auto stand_ins = callers_.StandIns(sets, cluster, anywhere);
    for (std::size_t i = 0; i < stand_ins.size(); ++i) {
      if (!stand_ins[i] || !answers[*stand_ins[i]]) continue;
      Reach& reach = out.emplace_back(*answers[*stand_ins[i]]);
      reach.caller = callers_.all()[i];
      const engine::Request own = RequestTo(model_, service, cluster, port, reach.caller);
      reach.example.source = own.source;
      reach.example.identity = own.identity;
      reach.example.cluster = own.cluster;
    }
  }

 private:
  const Model& model_;
  const Callers& callers_;
  Solver& solver_;
  Atlas& atlas_;
};

// The place and the identity a discovered or a future caller sends from.
engine::Sender SenderOf(const Model& model, const Candidate& caller) {
  engine::Sender sender =
      engine::SidecarSender(model, caller.source, caller.cluster, caller.identity);
  sender.proxied = caller.identity.has_value();
  return sender;
}

bool Knows(const Model& model, const Candidate& caller, const TargetRef& target) {
  return std::holds_alternative<engine::ExternalId>(target)
             ? !caller.identity || engine::Reaches(model, caller.workspace, target)
             : caller.identity && engine::IsVisible(model, caller.workspace, target);
}

// What the caller gets at one port of a destination or an external service.
std::optional<Reach> AskTarget(const Model& model, Solver& solver, Atlas& atlas,
                               const TargetRef& target, const ServicePort& port,
                               const Candidate& caller) {
  static const std::optional<engine::Identity> kNobody;
  const engine::Sender sender = SenderOf(model, caller);
  Reach reach{.target = target, .cluster = caller.cluster, .port = port.number, .caller = caller};
  reach.example.layer = LayerOf(port);
  reach.example.source = caller.source;
  reach.example.cluster = caller.cluster;
  reach.example.plaintext = !caller.identity.has_value();
  if (caller.source.IsNone()) reach.example.identity = caller.identity;
  reach.example.port = port.number;
  reach.example.host = HostOf(model, target);
  const Study study = Prepare(atlas, nullptr, [&](Space& space, Formulas& formulas) {
    std::vector<FormulaId> any;
    for (const engine::Tier& tier : engine::TiersOf(model, target, "", sender, reach.example)) {
      for (const engine::Backend& backend : tier.backends) {
        const engine::Checkpoint at =
            engine::CheckpointOf(model, target, backend, port.number, sender);
        const View view{.rule = nullptr,
                        .port = at.port,
                        .peer = at.identified ? &sender.identity : &kNobody,
                        .host = &reach.example.host};
        if (!at.reached) continue;
        any.push_back(Passes(space, formulas, model, at.guard, LayerOf(port), view));
      }
    }
    return std::vector<FormulaId>{formulas.Or(std::move(any))};
  });
  return AskFrom(solver, study, study.decidable ? study.parts[0] : kTrue, kTrue, std::move(reach));
}

}  // namespace

std::vector<Reach> WhoCan(const Model& model, engine::ServiceId service) {
  std::vector<Reach> found;
  Solver solver;
  Atlas atlas(model);
  const Callers callers(model);
  PortQuestion question(model, callers, solver, atlas);
  for (const engine::ServiceInstance& instance : model[service].instances) {
    for (const ServicePort& port : instance.ports) {
      question.Ask(service, instance.cluster, port, found);
    }
  }
  return found;
}

namespace {

// The services of the mesh, each where it runs.
void AskServices(const Model& model, Solver& solver, Atlas& atlas, const Candidate& caller,
                 std::vector<Reach>& found) {
  for (std::uint32_t i = 0; i < model.services.size(); ++i) {
    for (const engine::ServiceInstance& instance : model.services[i].instances) {
      const bool anywhere = !DestinationsOf(model, {i}, instance.cluster).empty();
      if (!anywhere && instance.cluster != caller.cluster) continue;
      const engine::Guard* guard =
          engine::EnforcedGuard(model, {instance.cluster, engine::ServiceId{i}, ""});
      for (const ServicePort& port : instance.ports) {
        const Study study = Prepare(atlas, nullptr, [&](Space& space, Formulas& formulas) {
          const View view{.rule = nullptr, .port = port.number, .peer = &caller.identity};
          return std::vector<FormulaId>{Passes(space, formulas, model, guard, LayerOf(port), view)};
        });
        Reach reach{.target = engine::ServiceId{i},
                    .cluster = instance.cluster,
                    .port = port.number,
                    .caller = caller,
                    .example = RequestTo(model, {i}, instance.cluster, port, caller)};
        auto answer = AskFrom(solver, study, study.decidable ? study.parts[0] : kTrue, kTrue,
                              std::move(reach));
        if (answer) found.push_back(std::move(*answer));
      }
    }
  }
}

}  // namespace

std::vector<Reach> CanReach(const Model& model, const Candidate& caller) {
  std::vector<Reach> found;
  Solver solver;
  Atlas atlas(model);
  AskServices(model, solver, atlas, caller, found);
  const auto ask = [&](const TargetRef& target, const ServicePort& port) {
    if (!Knows(model, caller, target)) return;
    auto answer = AskTarget(model, solver, atlas, target, port, caller);
    if (answer) found.push_back(std::move(*answer));
  };
  for (std::uint32_t i = 0; i < model.destinations.size(); ++i) {
    for (const ServicePort& port : model.destinations[i].ports) ask(engine::DestinationId{i}, port);
  }
  for (std::uint32_t i = 0; i < model.externals.size(); ++i) {
    for (const auto& port : model.externals[i].ports) ask(engine::ExternalId{i}, port.port);
  }
  return found;
}

}  // namespace weft::verifier
