// Laws about what callers get by their sidecars: served at all, served by whom, under losses.
#include <algorithm>

#include "dsl/overloaded.h"
#include "engine/hosts.h"
#include "verifier/client_law.h"

namespace weft::verifier {
namespace {

using engine::Law;
using engine::Model;
using engine::Request;
using engine::TargetRef;

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

class ClientLaw {
 public:
  ClientLaw(Work& work, const Clients& clients, const Law& law)
      : work_(work), clients_(clients), law_(law) {}

  void Prove() {
    losses_ = engine::LossesOf(work_.model, law_.loss, law_.losses);
    if (!losses_.empty()) Reach(Got::kLoss);
    // Whoever is not let in to begin with has nothing that a law about what is allowed could want.
    if (!ProveFor(law_.only_allowed)) return;
    // When nobody is meant, it is everyone's requests that show what is empty of the law.
    if (law_.only_allowed && got_ != Got::kRequest && !ProveFor(false)) return;
    ReportEmpty(work_, law_, got_);
  }

 private:
  void Reach(Got got) { got_ = std::max(got_, got); }

  bool ProveFor(bool those_let_in) {
    std::vector<TargetRef> targets = law_.to;
    if (targets.empty() && law_.to_text.empty()) {
      for (std::uint32_t i = 0; i < work_.model.services.size(); ++i) {
        targets.emplace_back(engine::ServiceId{i});
      }
    }
    for (const TargetRef& target : targets) {
      if (losses_.empty()) break;
      Reach(Got::kTarget);
      const std::vector<engine::WorkloadId> callers =
          those_let_in
              ? clients_.MayReach(target, HostOf(work_.model, target), law_.mtls.value_or(true))
              : clients_.all();
      for (const engine::WorkloadId caller : callers) {
        if (!ProveFor(caller, target)) return false;
      }
    }
    return true;
  }

  bool ProveFor(engine::WorkloadId id, const TargetRef& target) {
    const engine::Workload& workload = work_.model[id];
    std::optional<engine::Identity> identity;
    if (law_.mtls.value_or(true)) identity = clients_.IdentityOf(id);
    const engine::Locality place =
        engine::SidecarSender(work_.model, id, workload.cluster, identity).locality;
    if (law_.mtls && *law_.mtls != identity.has_value()) return true;
    if (!law_.from.empty() && !engine::Admits(law_.from, identity)) return true;
    Reach(Got::kCaller);
    const bool left = std::any_of(losses_.begin(), losses_.end(), [&](const Request& loss) {
      return !engine::IsLost(loss, workload.cluster, place);
    });
    if (!left) return true;
    Reach(Got::kLeft);
    for (const auto& [port, layer] : PortsOf(work_.model, target)) {
      Reach(Got::kPort);
      if (!ProveSite(SiteFor(id, target, port, layer, identity), target)) return false;
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

  // parts: the condition; with it whether it is allowed before the loss; then for every differing
  // loss, whether it is served.
  bool ProveSite(const Site& site, const TargetRef& target) {
    const engine::RouteRule direct = Direct(site, target);
    std::vector<const engine::RouteRule*> rules = site.rules;
    if (rules.empty()) rules.push_back(&direct);
    const std::vector<const Request*> losses = Differing(work_.model, site, rules, losses_);
    const Study study = Prepare(work_.atlas, nullptr, [&](Space& space, Formulas& formulas) {
      space.Assume(law_.assumed);
      const FormulaId where =
          space.Encode(law_.where, {.rule = nullptr, .port = site.port, .peer = &site.peer});
      std::vector<FormulaId> premise{where};
      if (law_.only_allowed) premise.push_back(Served(space, formulas, site, target, nullptr));
      const TargetRef* wanted = law_.served_by ? &*law_.served_by : nullptr;
      std::vector<FormulaId> parts{where, formulas.And(std::move(premise))};
      for (const Request* loss : losses) {
        parts.push_back(Served(space, formulas, SiteUnder(*loss, site), target, wanted));
      }
      return parts;
    });
    if (!study.decidable) {
      work_.Undecided(kLawProperty, law_.title, law_.span, study.reason);
      return false;
    }
    for (std::size_t i = 0; i < losses.size(); ++i) {
      if (!ProveUnder(SiteUnder(*losses[i], site), target, study, study.parts[i + 2])) return false;
    }
    NoteMeant(study);
    return true;
  }

  // That requests of the site are served, as `served` says, or are not, whichever the law wants.
  bool ProveUnder(const Site& site, const TargetRef& target, const Study& study, FormulaId served) {
    const bool every = law_.quantifier == Law::Quantifier::kEvery;
    const bool blocked = law_.verdict == Law::Verdict::kBlocked;
    const bool wanted = every != blocked;  // what must be so
    const FormulaId broken = wanted ? study.formulas->Not(served) : served;
    const Found found = Ask(work_.solver, study, study.formulas->And({study.parts[1], broken}));
    if (found.verdict == Verdict::kUnsat) return true;
    if (!found.Sat()) {
      work_.Undecided(kLawProperty, law_.title, law_.span, found.reason);
      return false;
    }
    Request request = RequestAt(site, found);
    request.layer = site.layer;
    const engine::Outcome outcome = engine::Evaluate(work_.model, request);
    ViolateLaw(work_, law_,
               "this request to `" + work_.TargetName(target) + "` is " +
                   (outcome.AllowedSomewhere() ? (law_.served_by ? "served by another" : "served")
                                               : "not served"));
    work_.report.findings.back().diagnostic.clusters = {work_.model[site.cluster].name};
    if (wanted) NoteNotReady(target, site.cluster);
    work_.Witness(request, target, law_.served_by ? outcome.AllowedSomewhere() : !wanted, wanted);
    NoteDeciding(work_, outcome);
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

  // What happens where no rule says otherwise.
  static engine::RouteRule Direct(const Site& site, const TargetRef& target) {
    return {.labels = {},
            .match = engine::Condition::True(),
            .action = std::vector<engine::Forward>{{target, "", site.port, 100, {}}},
            .modifiers = {}};
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
    if (site.rules.empty()) return one(Direct(site, target));
    std::vector<FormulaId> any;
    for (std::size_t i = 0; i < site.rules.size(); ++i) {
      any.push_back(formulas.And({Decides(space, formulas, site, i), one(*site.rules[i])}));
    }
    return formulas.Or(std::move(any));
  }

  Work& work_;
  const Clients& clients_;
  const Law& law_;
  std::vector<Request> losses_;  // as requests that say no more
  Got got_ = Got::kNowhere;
};

}  // namespace

void ProveAtClients(Work& work, const Clients& clients, const Law& law) {
  ClientLaw(work, clients, law).Prove();
}

}  // namespace weft::verifier
