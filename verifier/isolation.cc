// Isolation: nobody gets into an isolated workspace but its own workloads and the workspaces it
// exports to; and no route sends requests to what is not exported to its owner.
#include <algorithm>
#include <set>

#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "engine/fronts.h"
#include "verifier/codes.h"
#include "verifier/first_match.h"
#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

constexpr const char* kProperty = "isolation";
constexpr int kMaxFindingsPerServer = 8;

using engine::WorkspaceId;

void RelateExports(const Work& work, WorkspaceId owner, Diagnostic& d) {
  const engine::Workspace& workspace = work.model[owner];
  std::set<Span> seen;
  for (const auto& [to, span] : workspace.exports_to) {
    if (seen.insert(span).second) d.related.push_back({span, "only this is shared"});
  }
  if (!seen.empty()) return;
  if (workspace.isolate_span.IsKnown()) {
    d.related.push_back({workspace.isolate_span, "isolated here; nothing is exported"});
  } else {
    d.related.push_back({workspace.span, "exports nothing"});
  }
}

std::string Who(const Work& work, const Candidate& caller) {
  if (!caller.identity) return "callers without mTLS identity";
  if (caller.workspace.IsNone()) return "workloads of no workspace";
  return "workspace `" + work.model[caller.workspace].name + "`";
}

class ServerProof {
 public:
  ServerProof(Work& work, engine::ServiceId id, const engine::ServiceInstance& instance)
      : work_(work), id_(id), instance_(instance), service_(work.model[id]) {}

  void Prove() {
    const engine::Guard* guard = engine::EnforcedGuard(work_.model, {instance_.cluster, id_, ""});
    for (const engine::ServicePort& port : instance_.ports) ProvePort(guard, port);
  }

 private:
  void ProvePort(const engine::Guard* guard, const engine::ServicePort& port) {
    const ServerStudy& server = work_.servers.Of(guard, id_, instance_.cluster, port);
    const Study& study = server.study;
    if (!study.decidable) {
      work_.Undecided(kProperty, work_.model[service_.workspace].name, service_.span, study.reason);
      return;
    }
    const std::size_t rules = server.allow.size();
    std::vector<FormulaId> left{server.foreign, server.passes};
    for (int round = 0; round < kMaxFindingsPerServer; ++round) {
      const Found found = Ask(work_.solver, study, study.formulas->And(left));
      if (found.verdict == Verdict::kUnknown) {
        work_.Undecided(kProperty, work_.model[service_.workspace].name, service_.span,
                        found.reason);
      }
      if (!found.Sat()) return;
      // The first rule that lets it in; the next round asks for requests that others let in.
      std::size_t culprit = rules;
      for (std::size_t i = 0; i < rules && culprit == rules; ++i) {
        if (study.formulas->Holds(server.allow[i], found.assignment)) culprit = i;
      }
      Report(guard, culprit, port, found);
      if (culprit == rules) return;
      left.push_back(study.formulas->Not(server.allow[culprit]));
    }
  }

  void Report(const engine::Guard* guard, std::size_t culprit, const engine::ServicePort& port,
              const Found& found) {
    const Candidate& caller = *found.Caller();
    const std::string& owner = work_.model[service_.workspace].name;
    const engine::Request request =
        found.Request(RequestTo(work_.model, id_, instance_.cluster, port, caller));
    const bool has_rule = guard != nullptr && culprit < guard->allow.size();
    const Span span = has_rule ? work_.model[guard->allow[culprit]].span
                               : work_.model[service_.workspace].isolate_span;
    // The same rule in another cluster is the same finding.
    for (Finding& earlier : work_.report.findings) {
      if (earlier.property != kProperty || earlier.diagnostic.span != span ||
          earlier.to != engine::TargetRef(id_)) {
        continue;
      }
      auto& clusters = earlier.diagnostic.clusters;
      const std::string& name = work_.model[instance_.cluster].name;
      if (std::find(clusters.begin(), clusters.end(), name) == clusters.end()) {
        clusters.push_back(name);
      }
      return;
    }
    Diagnostic& d =
        work_.Violation(kProperty, owner, codes::kIsolationBroken, Severity::kError, span,
                        Who(work_, caller) + " can reach `" + owner + "." + service_.name +
                            "`, which `" + owner + "` does not export");
    if (has_rule) {
      d.label = "this lets them in";
    } else {
      d.label =
          "nothing enforces this: the workloads have no sidecar, or nothing closes the service";
    }
    d.clusters = {work_.model[instance_.cluster].name};
    RelateExports(work_, service_.workspace, d);
    d.help = "remove the source, or add `service " + service_.name + "` to an export";
    work_.Witness(request, engine::TargetRef(id_), true, false);
  }

  Work& work_;
  engine::ServiceId id_;
  const engine::ServiceInstance& instance_;
  const engine::Service& service_;
};

bool IsGranted(const engine::Model& model, const engine::TargetRef& target, WorkspaceId to) {
  return std::visit(
      [&](auto id) {
        const auto& object = model[id];
        return object.workspace.IsNone() || object.workspace == to ||
               std::any_of(object.grants.begin(), object.grants.end(),
                           [&](const engine::Grant& grant) { return grant.to == to; });
      },
      target);
}

WorkspaceId OwnerOf(const engine::Model& model, const engine::TargetRef& target) {
  return std::visit([&](auto id) { return model[id].workspace; }, target);
}

// A request the forbidden rule decides, one that is served if there is any.
void WitnessRoute(Work& work, const std::vector<Site>& sites, const engine::RouteRule& rule,
                  const engine::TargetRef& target) {
  for (const bool served : {true, false}) {
    for (const Site& site : sites) {
      const auto at = std::find(site.rules.begin(), site.rules.end(), &rule);
      if (at == site.rules.end()) continue;
      const auto index = static_cast<std::size_t>(at - site.rules.begin());
      const Taken taken = EachRuleOf(work, site)->Decides(index, served);
      if (!taken.Sat()) continue;
      work.Witness(*taken.request, target, served, false);
      return;
    }
  }
}

void ProveForwards(Work& work, const std::vector<Site>& sites) {
  std::set<std::pair<Span, engine::TargetRef>> reported;
  for (const engine::Table& table : work.model.tables) {
    for (const engine::RouteRule& rule : table.rules) {
      const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
      if (forwards == nullptr) continue;
      const WorkspaceId author = work.model[rule.from].workspace;
      for (const engine::Forward& forward : *forwards) {
        if (IsGranted(work.model, forward.target, author)) continue;
        if (!reported.insert({forward.span, forward.target}).second) continue;
        const WorkspaceId owner = OwnerOf(work.model, forward.target);
        const std::string& owner_name = work.model[owner].name;
        Diagnostic& d = work.Violation(
            kProperty, owner_name, codes::kIsolationBroken, Severity::kError, forward.span,
            "workspace `" + work.Workspace(author) + "` can reach `" +
                work.TargetName(forward.target) + "`, which `" + owner_name + "` does not export");
        d.label = "this route";
        RelateExports(work, owner, d);
        d.help = "route to something that is exported, or add `" +
                 std::visit([&](auto id) { return work.model[id].name; }, forward.target) +
                 "` to an export of `" + owner_name + "`";
        WitnessRoute(work, sites, rule, forward.target);
      }
    }
  }
}

}  // namespace

void ProveIsolation(Work& work) {
  for (const engine::Workspace& workspace : work.model.workspaces) {
    work.Conclude(kProperty, workspace.name, PropertyVerdict::kProved);
  }
  for (std::uint32_t i = 0; i < work.model.services.size(); ++i) {
    const engine::Service& service = work.model.services[i];
    if (service.workspace.IsNone() || !work.model[service.workspace].isolated) continue;
    for (const engine::ServiceInstance& instance : service.instances) {
      // Gateways take requests from outside; what they let in is said by their own `access`.
      const bool front = !engine::GatewayBehind(work.model, instance).IsNone();
      if (instance.workloads.empty() || front) continue;
      ServerProof(work, {i}, instance).Prove();
    }
  }
  std::vector<Site> sites = GatewaySites(work.model);
  std::vector<Site> sidecars = SidecarSites(work.model);
  sites.insert(sites.end(), std::make_move_iterator(sidecars.begin()),
               std::make_move_iterator(sidecars.end()));
  ProveForwards(work, sites);
}

}  // namespace weft::verifier
