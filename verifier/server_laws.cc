// `no request to X … is allowed`, proved at the servers of X.
#include <algorithm>
#include <set>

#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "verifier/laws.h"
#include "verifier/server.h"

namespace weft::verifier {
namespace {

using engine::Law;

FormulaId Who(Space& space, Formulas& formulas, const Law& law, const View& view) {
  std::vector<FormulaId> all;
  if (!law.from.empty()) all.push_back(space.Callers(law.from, view));
  if (law.mtls) {
    const bool wanted = *law.mtls;
    all.push_back(
        space.CallerIs([=](const Candidate& c) { return c.identity.has_value() == wanted; }));
  }
  return formulas.And(std::move(all));
}

class ServerLaw {
 public:
  ServerLaw(Work& work, const Law& law) : work_(work), law_(law) {}

  void Prove() {
    for (const auto& [service, cluster] : InstancesOf(work_.model, law_)) {
      const engine::ServiceInstance* instance = work_.model[service].In(cluster);
      if (instance == nullptr || instance->workloads.empty()) continue;
      for (const engine::ServicePort& port : instance->ports) {
        asked_ = true;
        if (!ProvePort(service, cluster, port)) return;
      }
    }
    if (!meant_) ReportEmpty();
    const std::size_t mine = work_.known.at({kLawProperty, law_.title});
    work_.report.properties[mine].rests_on.assign(rests_on_.begin(), rests_on_.end());
  }

 private:
  void ReportEmpty() {
    if (asked_) {
      const bool both = possible_ && anyone_;
      SaysNothing(work_, law_,
                  both      ? Span{}
                  : anyone_ ? law_.parts.where
                            : law_.parts.from,
                  both      ? "nobody of those it names can send such a request"
                  : anyone_ ? "no request is like this"
                            : "nobody can be such a caller",
                  "mend the part, or remove the law");
      return;
    }
    const bool external =
        std::any_of(law_.to.begin(), law_.to.end(), [](const engine::TargetRef& target) {
          return std::holds_alternative<engine::ExternalId>(target);
        });
    SaysNothing(
        work_, law_, law_.parts.to,
        external ? "`" + law_.to_text + "` is outside of the mesh, where nothing of it decides"
                 : "`" + law_.to_text + "` has no workload in any cluster",
        external ? "say who may not send there at the gateway it goes through, or remove the law"
                 : "deploy it, or remove the law");
  }

  // False when the law is settled: violated, or undecided.
  bool ProvePort(engine::ServiceId service, engine::ClusterId cluster,
                 const engine::ServicePort& port) {
    const std::unique_ptr<const LawStudy> asked =
        StudyOf(work_.model, work_.callers, work_.atlas, law_, service, cluster, port);
    const Study& study = asked->study;
    if (!study.decidable) {
      work_.Undecided(kLawProperty, law_.title, law_.span, study.reason);
      return false;
    }
    const auto ask = [&](const std::vector<Constraint>& held) {
      std::vector<FormulaId> all{study.parts[0]};
      for (const Constraint& c : held) all.push_back(c.formula);
      return Ask(work_.solver, study, study.formulas->And(std::move(all)));
    };
    const Found found = ask(asked->constraints);
    if (found.verdict == Verdict::kUnsat) {
      NoteMeant(study);
      RestOn(asked->constraints, ask);
      return true;
    }
    if (!found.Sat()) {
      work_.Undecided(kLawProperty, law_.title, law_.span, found.reason);
      return false;
    }
    Report(service, cluster, port, found);
    return false;
  }

  // Whether the law is about some request to this port, as long as that is not known.
  void NoteMeant(const Study& study) {
    if (meant_) return;
    meant_ = Ask(work_.solver, study, study.parts[0]).Sat();
    if (meant_) return;
    anyone_ = anyone_ || Ask(work_.solver, study, study.parts[1]).Sat();
    possible_ = possible_ || Ask(work_.solver, study, study.parts[2]).Sat();
  }

  // Drops every constraint the proof does not need.
  template <typename AskWith>
  void RestOn(std::vector<Constraint> needed, AskWith ask) {
    for (std::size_t i = needed.size(); i-- > 0;) {
      std::vector<Constraint> fewer = needed;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      if (ask(fewer).verdict == Verdict::kUnsat) needed = std::move(fewer);
    }
    for (const Constraint& c : needed) {
      for (const Span& span : c.spans) {
        if (span.IsKnown()) rests_on_.insert(span);
      }
    }
  }

  void Report(engine::ServiceId service, engine::ClusterId cluster, const engine::ServicePort& port,
              const Found& found) {
    const engine::Request request =
        found.Request(RequestTo(work_.model, service, cluster, port, *found.Caller()));
    ViolateLaw(work_, law_, "this request to `" + work_.TargetName(service) + "` is let in");
    work_.report.findings.back().diagnostic.clusters = {work_.model[cluster].name};
    const std::vector<Span> rules = work_.Witness(request, engine::TargetRef(service), true, false);
    Finding& finding = work_.report.findings.back();
    bool any = false;
    for (const Span& span : rules) {
      if (!span.IsKnown()) continue;
      finding.diagnostic.related.push_back({span, "lets it in"});
      any = true;
    }
    if (!any) {
      const engine::Guard* guard = work_.model.GuardOf(service, cluster);
      if (guard != nullptr && guard->mtls_span.IsKnown()) {
        finding.diagnostic.related.push_back({guard->mtls_span, "mTLS is not required here"});
      }
      finding.diagnostic.related.push_back(
          {work_.model[service].span, "nothing restricts who may call this"});
      const engine::WorkspaceId owner = work_.model[service].workspace;
      if (!owner.IsNone() && work_.model[owner].open_span.IsKnown()) {
        finding.diagnostic.related.push_back(
            {work_.model[owner].open_span, "and its workspace is not isolated"});
      }
    }
    finding.diagnostic.help = "narrow what lets it in, add a `deny`, or weaken the law";
  }

  Work& work_;
  const Law& law_;
  std::set<Span> rests_on_;
  bool asked_ = false;     // of some port
  bool meant_ = false;     // some request is what the law is about
  bool anyone_ = false;    // someone is such a caller
  bool possible_ = false;  // some request is like this
};

}  // namespace

std::set<std::pair<engine::ServiceId, engine::ClusterId>> InstancesOf(const engine::Model& model,
                                                                      const Law& law) {
  std::set<std::pair<engine::ServiceId, engine::ClusterId>> found;
  const auto add = [&](engine::ServiceId id) {
    for (const engine::ServiceInstance& i : model[id].instances) found.insert({id, i.cluster});
  };
  for (const engine::TargetRef& target : law.to) {
    std::visit(Overloaded{
                   [&](engine::ServiceId id) { add(id); },
                   [&](engine::DestinationId id) {
                     for (const engine::Backing& b : model[id].backings) {
                       found.insert({b.service, b.cluster});
                     }
                   },
                   [](engine::ExternalId) {},
               },
               target);
  }
  if (law.to.empty() && law.to_text.empty()) {
    for (std::uint32_t i = 0; i < model.services.size(); ++i) add({i});
  }
  return found;
}

std::unique_ptr<const LawStudy> StudyOf(const engine::Model& model, const Callers& callers,
                                        Atlas& atlas, const Law& law, engine::ServiceId service,
                                        engine::ClusterId cluster,
                                        const engine::ServicePort& port) {
  auto made = std::make_unique<LawStudy>();
  const engine::Guard* guard = engine::EnforcedGuard(model, {cluster, service, ""});
  std::vector<const engine::CallerSet*> sets;
  if (guard != nullptr) sets = CallerSetsOf(model, *guard);
  for (const engine::CallerSet& set : law.from) sets.push_back(&set);
  CollectCallerSets(law.where, sets);
  const bool anywhere = !DestinationsOf(model, service, cluster).empty();
  made->callers = callers.Relevant(sets, cluster, anywhere, {});
  made->study = Prepare(atlas, &made->callers, [&](Space& space, Formulas& formulas) {
    space.Assume(law.assumed);
    const View view{.rule = nullptr, .port = port.number, .peer = nullptr};
    made->constraints = ConstraintsOf(space, formulas, model, guard, LayerOf(port), view);
    const FormulaId who = Who(space, formulas, law, view);
    const FormulaId where = space.Encode(law.where, view);
    return std::vector<FormulaId>{formulas.And({who, where}), who, where};
  });
  return made;
}

void ProveAtServers(Work& work, const Law& law) { ServerLaw(work, law).Prove(); }

}  // namespace weft::verifier
