// Laws about what callers get: served at all, served by whom, under the loss of a place, or through
// a gateway.
#include <algorithm>
#include <set>
#include <tuple>

#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "engine/hosts.h"
#include "engine/places.h"
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
  if (kind == engine::LossKind::kNone) return {Loss{}};
  std::vector<Loss> losses;
  for (const std::string& name : engine::NamesOf(model, kind)) {
    Loss loss;
    if (kind == engine::LossKind::kCluster) loss.clusters.insert(model.FindCluster(name));
    if (kind == engine::LossKind::kRegion) loss.regions.insert(name);
    if (kind == engine::LossKind::kZone) loss.zones.insert(name);
    losses.push_back(std::move(loss));
  }
  return losses;
}

// How far the requests of a law got: which of its parts is empty when none got through.
enum class Got {
  kNowhere,  // nothing of the kind can be lost
  kLoss,
  kTarget,
  kCaller,   // such a caller is discovered
  kLeft,     // and not lost as well
  kPort,     // what it calls has a port
  kWhere,    // the condition can hold
  kRequest,  // some request is meant
};

void ReportEmpty(Work& work, const Law& law, Got got) {
  const std::string word = engine::LossWord(law.loss);
  switch (got) {
    case Got::kNowhere:
      SaysNothing(work, law, law.parts.loss, "no " + word + " is known that could be lost",
                  "say where clusters are: `cluster NAME { " + word + " \"…\" }`");
      return;
    case Got::kLoss:
      SaysNothing(work, law, law.parts.to, "`" + law.to_text + "` has no services",
                  "declare or deploy one, or remove the law");
      return;
    case Got::kTarget:
      SaysNothing(work, law, law.parts.from, "no discovered workload is such a caller",
                  "laws of this form are about the callers that are there; say who calls");
      return;
    case Got::kCaller:
      SaysNothing(work, law, law.parts.loss,
                  "every such caller is lost with the " + word + " it is in",
                  "callers outside of what is lost are meant; there is none");
      return;
    case Got::kLeft:
      SaysNothing(work, law, law.parts.to, "`" + law.to_text + "` has no port",
                  "declare one: `port http 8080`");
      return;
    case Got::kPort:
      SaysNothing(work, law, law.parts.where, "no request is like this",
                  "the condition contradicts itself, or what is called");
      return;
    case Got::kWhere:
      SaysNothing(work, law, {}, "none of these requests is allowed to begin with",
                  "allow them, or drop `allowed` to see what refuses them");
      return;
    case Got::kRequest:
      return;
  }
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
      Reach(Got::kLoss);
      for (const TargetRef& target : targets) {
        Reach(Got::kTarget);
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
    ReportEmpty(work_, law_, got_);
  }

 private:
  void Reach(Got got) { got_ = std::max(got_, got); }

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
    Reach(Got::kCaller);
    if (loss.clusters.contains(workload.cluster) || loss.regions.contains(place.region) ||
        loss.zones.contains(place.zone)) {
      return true;  // the caller is gone too
    }
    Reach(Got::kLeft);
    for (const auto& [port, layer] : PortsOf(work_.model, target)) {
      Reach(Got::kPort);
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

  // parts: the condition, with it whether it is allowed before the loss, and served.
  bool ProveSite(const Site& site, const TargetRef& target) {
    Site intact = site;
    intact.base.lost_clusters.clear();
    intact.base.lost_regions.clear();
    intact.base.lost_zones.clear();
    const Study study = Prepare(work_.atlas, nullptr, [&](Space& space, Formulas& formulas) {
      space.Assume(law_.assumed);
      const FormulaId where =
          space.Encode(law_.where, {.rule = nullptr, .port = site.port, .peer = &site.peer});
      std::vector<FormulaId> premise{where};
      if (law_.only_allowed) premise.push_back(Served(space, formulas, intact, target, nullptr));
      const TargetRef* wanted = law_.served_by ? &*law_.served_by : nullptr;
      return std::vector<FormulaId>{where, formulas.And(std::move(premise)),
                                    Served(space, formulas, site, target, wanted)};
    });
    if (!study.decidable) {
      work_.Undecided(kLawProperty, law_.title, law_.span, study.reason);
      return false;
    }
    const bool every = law_.quantifier == Law::Quantifier::kEvery;
    const bool blocked = law_.verdict == Law::Verdict::kBlocked;
    const bool wanted = every != blocked;  // what must be so
    const FormulaId broken = wanted ? study.formulas->Not(study.parts[2]) : study.parts[2];
    const Found found = Ask(work_.solver, study, study.formulas->And({study.parts[1], broken}));
    if (found.verdict == Verdict::kUnsat) {
      NoteMeant(study);
      return true;
    }
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
    if (wanted) NoteNotReady(target, site.cluster);
    work_.Witness(request, target, law_.served_by ? outcome.AllowedSomewhere() : !wanted, wanted);
    for (const Span& span : outcome.rules) {
      if (span.IsKnown()) {
        work_.report.findings.back().diagnostic.related.push_back({span, "decides it"});
      }
    }
    return false;
  }

  // Where nothing of a service is ready, that is why it does not serve.
  void NoteNotReady(const TargetRef& target, engine::ClusterId cluster) {
    const auto* service = std::get_if<engine::ServiceId>(&target);
    const auto* instance = service == nullptr ? nullptr : work_.model[*service].In(cluster);
    if (instance == nullptr) return;
    const auto ready = [&](engine::WorkloadId id) { return work_.model[id].ready > 0; };
    if (std::any_of(instance->workloads.begin(), instance->workloads.end(), ready)) return;
    auto& related = work_.report.findings.back().diagnostic.related;
    for (const engine::WorkloadId id : instance->workloads) {
      related.push_back({work_.model[id].span, "no replica of this is ready"});
    }
  }

  // Whether the law is about some request of this site, as long as that is not known.
  void NoteMeant(const Study& study) {
    if (got_ == Got::kRequest) return;
    // What `no …` forbids need not be allowed by anything now.
    const bool every = law_.quantifier == Law::Quantifier::kEvery;
    if (Ask(work_.solver, study, study.parts[every ? 1 : 0]).Sat()) {
      Reach(Got::kRequest);
    } else if (got_ < Got::kWhere && Ask(work_.solver, study, study.parts[0]).Sat()) {
      Reach(Got::kWhere);
    }
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
  Got got_ = Got::kNowhere;
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
      Reach(Got::kLoss);
      for (Site site : GatewaySites(work_.model)) {
        if (site.gateway != law_.through) continue;
        Reach(Got::kCaller);
        if (loss.clusters.contains(site.cluster) ||
            loss.regions.contains(site.sender.locality.region) ||
            loss.zones.contains(site.sender.locality.zone)) {
          continue;
        }
        Reach(Got::kPort);
        site.base.lost_clusters = loss.clusters;
        site.base.lost_regions = loss.regions;
        site.base.lost_zones = loss.zones;
        if (!ProveSite(site)) return;
      }
    }
    if (got_ == Got::kLoss || got_ == Got::kTarget) {
      SaysNothing(work_, law_, law_.parts.through,
                  "no route is served by gateway `" + work_.model[law_.through].name + "`",
                  "say which hosts it serves, and which routes: `route NAME on gateway …`");
    } else if (got_ == Got::kWhere && !law_.to.empty()) {
      SaysNothing(work_, law_, law_.parts.to,
                  "no such request through gateway `" + work_.model[law_.through].name +
                      "` is sent to `" + law_.to_text + "`",
                  "add a route that does, or remove the law");
    } else {
      ReportEmpty(work_, law_, got_);
    }
  }

 private:
  void Reach(Got got) { got_ = std::max(got_, got); }

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
      std::vector<FormulaId> meant;
      const FormulaId region = Region(space, formulas, site);
      std::vector<FormulaId> none{region};
      for (std::size_t i = 0; i < site.rules.size(); ++i) {
        const engine::RouteRule& rule = *site.rules[i];
        none.push_back(formulas.Not(MatchesAt(space, site, rule)));
        if (!law_.to.empty() && !ForwardsTo(rule, law_.to)) continue;
        FormulaId good = ServedBy(space, formulas, work_.model, site, rule);
        FormulaId before =
            law_.only_allowed ? ServedBy(space, formulas, work_.model, intact, rule) : kTrue;
        if (law_.served_by && !GoesTo(work_.model, site, rule, *law_.served_by)) good = kFalse;
        const FormulaId here = formulas.And({where, before, Decides(space, formulas, site, i)});
        meant.push_back(here);
        broken.push_back(formulas.And({here, wanted ? formulas.Not(good) : good}));
      }
      // What `no …` forbids need not be routed, nor its host served, by anything now.
      if (!every) meant = {where};
      // Without a target, a request no rule takes is one that is not served.
      if (wanted && law_.to.empty() && !law_.only_allowed) {
        none.push_back(where);
        const FormulaId here = formulas.And(std::move(none));
        meant.push_back(here);
        broken.push_back(here);
      }
      return std::vector<FormulaId>{formulas.Or(std::move(broken)), formulas.Or(std::move(meant)),
                                    formulas.And({where, region})};
    });
    if (!study.decidable) {
      work_.Undecided(kLawProperty, law_.title, law_.span, study.reason);
      return false;
    }
    const Found found = Ask(work_.solver, study, study.parts[0]);
    if (found.verdict == Verdict::kUnsat) {
      if (got_ < Got::kRequest && Ask(work_.solver, study, study.parts[1]).Sat()) {
        Reach(Got::kRequest);
      } else if (got_ < Got::kWhere && Ask(work_.solver, study, study.parts[2]).Sat()) {
        Reach(Got::kWhere);
      }
      return true;
    }
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
  Got got_ = Got::kNowhere;
};

}  // namespace

void ProveAtClients(Work& work, const Law& law) { ClientLaw(work, law).Prove(); }

void ProveThroughGateway(Work& work, const Law& law) { GatewayLaw(work, law).Prove(); }

}  // namespace weft::verifier
