#include "verifier/clients.h"

#include <algorithm>
#include <tuple>

#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "engine/hosts.h"

namespace weft::verifier {
namespace {

using engine::Guard;
using engine::Model;
using engine::TargetRef;

// Guards that stand before what may be reached; `open` when somebody is let in by none.
struct Gates {
  std::vector<const Guard*> guards;
  bool open = false;
};

void AddGates(const Model& model, engine::ServiceId id, engine::ClusterId cluster, Gates& gates) {
  const Guard* guard = engine::EnforcedGuard(model, {cluster, id, ""});
  if (guard == nullptr || !guard->closed) {
    gates.open = true;
  } else {
    gates.guards.push_back(guard);
  }
}

void AddGates(const Model& model, const TargetRef& target, Gates& gates) {
  // A client's own TLS does not tell the server who it is.
  const auto& tls = engine::PolicyOf(model, target).tls;
  if (tls && tls->mode != engine::ClientTls::Mode::kIstioMutual) gates.open = true;
  std::visit(Overloaded{
                 [&](engine::ServiceId id) {
                   for (const auto& instance : model[id].instances) {
                     AddGates(model, id, instance.cluster, gates);
                   }
                 },
                 [&](engine::DestinationId id) {
                   for (const engine::Backing& b : model[id].backings) {
                     AddGates(model, b.service, b.cluster, gates);
                   }
                   if (!model[id].externals.empty()) gates.open = true;
                 },
                 [&](engine::ExternalId) { gates.open = true; },
             },
             target);
}

Gates GatesTo(const Model& model, const TargetRef& target, const std::string& host) {
  Gates gates;
  AddGates(model, target, gates);
  for (const engine::Table* table : engine::SidecarTablesNaming(model, target, host)) {
    for (const engine::RouteRule& rule : table->rules) {
      const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
      if (forwards == nullptr) gates.open = true;  // answered on the way
      if (forwards == nullptr || gates.open) continue;
      for (const engine::Forward& forward : *forwards) AddGates(model, forward.target, gates);
    }
  }
  return gates;
}

bool MayAdmit(const Model& model, const Guard& guard,
              const std::optional<engine::Identity>& identity) {
  return std::any_of(guard.allow.begin(), guard.allow.end(), [&](engine::AccessRuleId id) {
    const engine::AccessRule& rule = model[id];
    return rule.callers.empty() || engine::Admits(rule.callers, identity);
  });
}

}  // namespace

Clients::Clients(const Model& model) : model_(model) {
  std::set<std::tuple<engine::ClusterId, engine::Locality, std::string, std::string>> seen;
  for (std::uint32_t w = 0; w < model.workloads.size(); ++w) {
    const engine::Workload& workload = model.workloads[w];
    const engine::Locality place = engine::SidecarSender(model, {w}, workload.cluster, {}).locality;
    if (!seen.insert({workload.cluster, place, workload.ns, workload.name}).second) continue;
    all_.push_back({w});
    by_identity_[IdentityOf({w})].push_back({w});
  }
}

std::optional<engine::Identity> Clients::IdentityOf(engine::WorkloadId id) const {
  const engine::Workload& workload = model_[id];
  if (!workload.sidecar) return std::nullopt;
  return engine::Identity{model_[workload.cluster].trust_domain, workload.ns, workload.account};
}

std::vector<engine::WorkloadId> Clients::MayReach(const TargetRef& target, const std::string& host,
                                                  bool identified) const {
  const Gates gates = GatesTo(model_, target, host);
  if (gates.open) return all_;
  std::vector<engine::WorkloadId> callers;
  for (const auto& [identity, workloads] : by_identity_) {
    const auto& shown = identified ? identity : std::nullopt;
    if (std::any_of(gates.guards.begin(), gates.guards.end(),
                    [&](const Guard* guard) { return MayAdmit(model_, *guard, shown); })) {
      callers.insert(callers.end(), workloads.begin(), workloads.end());
    }
  }
  std::sort(callers.begin(), callers.end());
  return callers;
}

}  // namespace weft::verifier
