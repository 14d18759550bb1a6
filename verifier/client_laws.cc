// Laws about what callers get: served at all, served by whom, under the loss of a place, or through
// a gateway.
#include <algorithm>
#include <set>
#include <tuple>

#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "engine/hosts.h"
#include "verifier/laws.h"
#include "verifier/sites.h"

namespace weft::verifier {
namespace {

using engine::Law;
using engine::Model;
using engine::Request;
using engine::TargetRef;

// One thing that may fail, written into requests.
struct Loss {
  std::set<engine::ClusterId> clusters;
  std::set<std::string> regions, zones;
};

std::vector<Loss> LossesOf(const Model& model, engine::LossKind kind) {
  std::set<std::string> regions;
  std::set<std::string> zones;
  for (const engine::Workload& w : model.workloads) {
    for (const engine::Locality& l : w.localities) {
      if (!l.region.empty()) regions.insert(l.region);
      if (!l.zone.empty()) zones.insert(l.zone);
    }
    const engine::Locality& own = model[w.cluster].locality;
    if (!own.region.empty()) regions.insert(own.region);
    if (!own.zone.empty()) zones.insert(own.zone);
  }
  std::vector<Loss> losses;
  switch (kind) {
    case engine::LossKind::kNone:
      return {Loss{}};
    case engine::LossKind::kCluster:
      for (std::uint32_t i = 0; i < model.clusters.size(); ++i) losses.push_back({{{i}}, {}, {}});
      break;
    case engine::LossKind::kRegion:
      for (const std::string& region : regions) losses.push_back({{}, {region}, {}});
      break;
    case engine::LossKind::kZone:
      for (const std::string& zone : zones) losses.push_back({{}, {}, {zone}});
      break;
  }
  return losses;
}

std::vector<std::pair<std::uint16_t, engine::Layer>> PortsOf(const Model& model,
                                                             const TargetRef& target) {
  std::vector<std::pair<std::uint16_t, engine::Layer>> ports;
  const auto add = [&](const engine::ServicePort& p) {
    const std::pair entry{p.number, LayerOf(p)};
    if (std::find(ports.begin(), ports.end(), entry) == ports.end()) ports.push_back(entry);
  };
  std::visit(Overloaded{
                 [&](engine::ServiceId id) {
                   for (const auto& i : model[id].instances) {
                     for (const auto& p : i.ports) add(p);
                   }
                 },
                 [&](engine::DestinationId id) {
                   for (const auto& p : model[id].ports) add(p);
                 },
                 [&](engine::ExternalId id) {
                   for (const auto& p : model[id].ports) add(p.port);
                 },
             },
             target);
  return ports;
}

// Every backend of the first tier of every share is the wanted one.
bool GoesTo(const Model& model, const Site& site, const engine::RouteRule& rule,
            const TargetRef& wanted) {
  const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
  if (forwards == nullptr) return false;
  return std::all_of(forwards->begin(), forwards->end(), [&](const engine::Forward& forward) {
    if (forward.weight <= 0 || forward.target == wanted) return true;
    const auto* service = std::get_if<engine::ServiceId>(&wanted);
    const auto tiers =
        engine::TiersOf(model, forward.target, forward.subset, site.sender, site.base);
    return service != nullptr && !tiers.empty() &&
           std::all_of(tiers.front().backends.begin(), tiers.front().backends.end(),
                       [&](const engine::Backend& b) {
                         return b.service ==
                                std::variant<engine::ServiceId, engine::ExternalId>(*service);
                       });
  });
}

class ClientLaw {
 public:
  ClientLaw(Work& work, const Law& law) : work_(work), law_(law) {}

  void Prove() {
    std::vector<TargetRef> targets = law_.to;
    if (targets.empty() && law_.to_text.empty()) {
      for (std::uint32_t i = 0; i < work_.model.services.size(); ++i) {
        targets.emplace_back(engine::ServiceId{i});
      }
    }
    for (const Loss& loss : LossesOf(work_.model, law_.loss)) {
      for (const TargetRef& target : targets) {
        std::set<std::tuple<engine::ClusterId, engine::Locality, std::string, std::string>> seen;
        for (std::uint32_t w = 0; w < work_.model.workloads.size(); ++w) {
          const engine::Workload& workload = work_.model.workloads[w];
          const engine::Locality place =
              engine::SidecarSender(work_.model, {w}, workload.cluster, {}).locality;
          if (!seen.insert({workload.cluster, place, workload.ns, workload.name}).second) continue;
          if (!ProveFor({w}, place, target, loss)) return;
        }
      }
    }
  }

 private:
  bool ProveFor(engine::WorkloadId id, const engine::Locality& place, const TargetRef& target,
                const Loss& loss) {
    const engine::Workload& workload = work_.model[id];
    std::optional<engine::Identity> identity;
    if (workload.sidecar && law_.mtls.value_or(true)) {
      identity = engine::Identity{work_.model[workload.cluster].trust_domain, workload.ns,
                                  workload.account};
    }
    if (law_.mtls && *law_.mtls != identity.has_value()) return true;
    if (!law_.from.empty() && !engine::Admits(law_.from, identity)) return true;
    if (loss.clusters.contains(workload.cluster) || loss.regions.contains(place.region) ||
        loss.zones.contains(place.zone)) {
      return true;  // the caller is gone too
    }
    for (const auto& [port, layer] : PortsOf(work_.model, target)) {
      Site site = SiteFor(id, target, port, layer, identity);
      site.base.lost_clusters = loss.clusters;
      site.base.lost_regions = loss.regions;
      site.base.lost_zones = loss.zones;
      if (!ProveSite(site, target)) return false;
    }
    return true;
  }

  Site SiteFor(engine::WorkloadId id, const TargetRef& target, std::uint16_t port,
               engine::Layer layer, const std::optional<engine::Identity>& identity) const {
    const engine::Workload& workload = work_.model[id];
    Site site{.gateway = {},
              .cluster = workload.cluster,
              .listener = nullptr,
              .host = HostOf(work_.model, target),
              .more_specific = {},
              .target = target,
              .layer = layer,
              .port = port,
              .tables = {},
              .rules = {},
              .sender = engine::SidecarSender(work_.model, id, workload.cluster, identity),
              .peer = identity,
              .base = {}};
    site.base.layer = layer;
    site.base.source = id;
    site.base.cluster = workload.cluster;
    site.base.plaintext = !identity.has_value();
    site.base.host = site.host;
    site.base.port = port;
    site.sender.proxied = identity && engine::IsVisible(work_.model, workload.workspace, target);
    if (site.sender.proxied) {
      site.tables = engine::TablesAtSidecar(work_.model, id, target, site.host);
      OrderRules(site);
    }
    return site;
  }

  // parts[0]: the premise; parts[1]: served; parts[2]: served by the wanted one.
  bool ProveSite(const Site& site, const TargetRef& target) {
    Site intact = site;
    intact.base.lost_clusters.clear();
    intact.base.lost_regions.clear();
    intact.base.lost_zones.clear();
    const Study study = Prepare(work_.atlas, nullptr, [&](Space& space, Formulas& formulas) {
      space.Assume(law_.assumed);
      std::vector<FormulaId> premise{
          space.Encode(law_.where, {.rule = nullptr, .port = site.port, .peer = &site.peer})};
      if (law_.only_allowed) premise.push_back(Served(space, formulas, intact, target, nullptr));
      const TargetRef* wanted = law_.served_by ? &*law_.served_by : nullptr;
      return std::vector<FormulaId>{formulas.And(std::move(premise)),
                                    Served(space, formulas, site, target, wanted)};
    });
    if (!study.decidable) {
      work_.Undecided(kLawProperty, law_.title, law_.span, study.reason);
      return false;
    }
    const bool every = law_.quantifier == Law::Quantifier::kEvery;
    const bool blocked = law_.verdict == Law::Verdict::kBlocked;
    const bool wanted = every != blocked;  // what must be so
    const FormulaId broken = wanted ? study.formulas->Not(study.parts[1]) : study.parts[1];
    const Found found = Ask(work_.solver, study, study.formulas->And({study.parts[0], broken}));
    if (found.verdict == Verdict::kUnsat) return true;
    if (!found.Sat()) {
      work_.Undecided(kLawProperty, law_.title, law_.span, found.reason);
      return false;
    }
    engine::Request request = RequestAt(site, found);
    request.layer = site.layer;
    const engine::Outcome outcome = engine::Evaluate(work_.model, request);
    ViolateLaw(work_, law_,
               "this request to `" + work_.TargetName(target) + "` is " +
                   (outcome.AllowedSomewhere() ? (law_.served_by ? "served by another" : "served")
                                               : "not served"));
    work_.report.findings.back().diagnostic.clusters = {work_.model[site.cluster].name};
    work_.Witness(request, target, law_.served_by ? outcome.AllowedSomewhere() : !wanted, wanted);
    for (const Span& span : outcome.rules) {
      if (span.IsKnown()) {
        work_.report.findings.back().diagnostic.related.push_back({span, "decides it"});
      }
    }
    return false;
  }

  FormulaId Served(Space& space, Formulas& formulas, const Site& site, const TargetRef& target,
                   const TargetRef* wanted) const {
    const Model& model = work_.model;
    if (!engine::ResolveHost(model, site.host, model[site.base.source].ns, site.cluster) ||
        !engine::Reaches(model, model[site.base.source].workspace, target)) {
      return kFalse;
    }
    const auto one = [&](const engine::RouteRule& rule) {
      const FormulaId served = ServedBy(space, formulas, model, site, rule);
      return wanted == nullptr || GoesTo(model, site, rule, *wanted) ? served : kFalse;
    };
    if (site.rules.empty()) {
      engine::RouteRule direct{
          .labels = {},
          .match = engine::Condition::True(),
          .action = std::vector<engine::Forward>{{target, "", site.port, 100, {}}},
          .modifiers = {}};
      return one(direct);
    }
    std::vector<FormulaId> any;
    for (std::size_t i = 0; i < site.rules.size(); ++i) {
      any.push_back(formulas.And({Decides(space, formulas, site, i), one(*site.rules[i])}));
    }
    return formulas.Or(std::move(any));
  }

  Work& work_;
  const Law& law_;
};

bool ForwardsTo(const engine::RouteRule& rule, const std::vector<TargetRef>& to) {
  const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
  if (forwards == nullptr) return false;
  return std::any_of(forwards->begin(), forwards->end(), [&](const engine::Forward& f) {
    return std::find(to.begin(), to.end(), f.target) != to.end();
  });
}

class GatewayLaw {
 public:
  GatewayLaw(Work& work, const Law& law) : work_(work), law_(law) {}

  void Prove() {
    for (const Loss& loss : LossesOf(work_.model, law_.loss)) {
      for (Site site : GatewaySites(work_.model)) {
        if (site.gateway != law_.through) continue;
        if (loss.clusters.contains(site.cluster) ||
            loss.regions.contains(site.sender.locality.region) ||
            loss.zones.contains(site.sender.locality.zone)) {
          continue;
        }
        site.base.lost_clusters = loss.clusters;
        site.base.lost_regions = loss.regions;
        site.base.lost_zones = loss.zones;
        if (!ProveSite(site)) return;
      }
    }
  }

 private:
  bool ProveSite(const Site& site) {
    Site intact = site;
    intact.base.lost_clusters.clear();
    intact.base.lost_regions.clear();
    intact.base.lost_zones.clear();
    const bool every = law_.quantifier == Law::Quantifier::kEvery;
    const bool wanted = every != (law_.verdict == Law::Verdict::kBlocked);
    const Study study = Prepare(work_.atlas, nullptr, [&](Space& space, Formulas& formulas) {
      space.Assume(law_.assumed);
      const FormulaId where =
          space.Encode(law_.where, {.rule = nullptr, .port = site.port, .peer = &site.peer});
      std::vector<FormulaId> broken;
      std::vector<FormulaId> none{Region(space, formulas, site)};
      for (std::size_t i = 0; i < site.rules.size(); ++i) {
        const engine::RouteRule& rule = *site.rules[i];
        none.push_back(formulas.Not(MatchesAt(space, site, rule)));
        if (!law_.to.empty() && !ForwardsTo(rule, law_.to)) continue;
        FormulaId good = ServedBy(space, formulas, work_.model, site, rule);
        FormulaId before =
            law_.only_allowed ? ServedBy(space, formulas, work_.model, intact, rule) : kTrue;
        if (law_.served_by && !GoesTo(work_.model, site, rule, *law_.served_by)) good = kFalse;
        broken.push_back(formulas.And({where, before, Decides(space, formulas, site, i),
                                       wanted ? formulas.Not(good) : good}));
      }
      // Without a target, a request no rule takes is one that is not served.
      if (wanted && law_.to.empty() && !law_.only_allowed) {
        none.push_back(where);
        broken.push_back(formulas.And(std::move(none)));
      }
      return std::vector<FormulaId>{formulas.Or(std::move(broken))};
    });
    if (!study.decidable) {
      work_.Undecided(kLawProperty, law_.title, law_.span, study.reason);
      return false;
    }
    const Found found = Ask(work_.solver, study, study.parts[0]);
    if (found.verdict == Verdict::kUnsat) return true;
    if (!found.Sat()) {
      work_.Undecided(kLawProperty, law_.title, law_.span, found.reason);
      return false;
    }
    const Request request = RequestAt(site, found);
    const engine::Outcome outcome = engine::Evaluate(work_.model, request);
    ViolateLaw(work_, law_,
               std::string("this request through gateway `") + work_.model[site.gateway].name +
                   "` is " + (outcome.AllowedSomewhere() ? "served" : "not served"));
    work_.report.findings.back().diagnostic.clusters = {work_.model[site.cluster].name};
    work_.Witness(request, std::nullopt, law_.served_by ? outcome.AllowedSomewhere() : !wanted,
                  wanted);
    for (const Span& span : outcome.rules) {
      if (span.IsKnown()) {
        work_.report.findings.back().diagnostic.related.push_back({span, "decides it"});
      }
    }
    return false;
  }

  Work& work_;
  const Law& law_;
};

}  // namespace

void ProveAtClients(Work& work, const Law& law) { ClientLaw(work, law).Prove(); }

void ProveThroughGateway(Work& work, const Law& law) { GatewayLaw(work, law).Prove(); }

}  // namespace weft::verifier
