// Properties that need no solver: mTLS on both sides, references in every cluster, failover, time
// budgets. All are finite and are tried out on the reference semantics.
#include <algorithm>
#include <set>

#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "verifier/codes.h"
#include "verifier/sites.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

using engine::Model;

engine::MtlsMode ModeAt(const engine::Guard& guard, std::uint16_t port) {
  const auto at = guard.port_mtls.find(port);
  return at == guard.port_mtls.end() ? guard.mtls : at->second;
}

// A discovered caller in the cluster, of the workspace if possible.
engine::WorkloadId AnyCaller(const Model& model, engine::ClusterId cluster,
                             engine::WorkspaceId workspace) {
  engine::WorkloadId found;
  for (std::uint32_t i = 0; i < model.workloads.size(); ++i) {
    if (model.workloads[i].cluster != cluster || !model.workloads[i].sidecar) continue;
    if (model.workloads[i].workspace == workspace) return {i};
    if (found.IsNone()) found = {i};
  }
  return found;
}

// Clients told not to use mTLS against servers that insist on it.
void CheckClient(Work& work, const engine::TargetRef& target, engine::ServiceId service,
                 engine::ClusterId cluster, const engine::DestinationPolicy& policy) {
  if (!policy.tls || policy.tls->mode == engine::ClientTls::Mode::kIstioMutual) return;
  const engine::Guard* guard = engine::EnforcedGuard(work.model, {cluster, service, ""});
  if (guard == nullptr) return;
  for (const engine::ServicePort& port : work.model[service].In(cluster)->ports) {
    if (ModeAt(*guard, port.number) != engine::MtlsMode::kStrict) continue;
    Diagnostic& d = work.Violation("mtls", work.TargetName(target), codes::kMtlsMismatch,
                                   Severity::kError, policy.tls->span,
                                   "clients of `" + work.TargetName(target) +
                                       "` are told to speak without mTLS, its servers require it");
    d.related.push_back({guard->mtls_span, "required here"});
    d.clusters = {work.model[cluster].name};
    d.help = "remove `tls` from the destination, or the requirement from the server";
    engine::Request request;
    request.cluster = cluster;
    request.source = AnyCaller(work.model, cluster, work.model[service].workspace);
    request.host = HostOf(work.model, target);
    request.port = port.number;
    request.layer = LayerOf(port);
    if (!request.source.IsNone()) work.Witness(request, target, false, true);
    return;
  }
}

}  // namespace

void ProveMtls(Work& work) {
  work.Conclude("mtls", "mesh", PropertyVerdict::kProved);
  for (const engine::Workspace& workspace : work.model.workspaces) {
    if (!workspace.isolated || workspace.mtls == engine::MtlsMode::kStrict) continue;
    Diagnostic& d = work.Violation(
        "mtls", workspace.name, codes::kNotStrict, Severity::kWarning, workspace.mtls_span,
        "workspace `" + workspace.name + "` is isolated but does not require mTLS");
    d.related.push_back({workspace.isolate_span, "isolated here"});
    d.help = "say `mtls strict`";
  }
  for (std::uint32_t i = 0; i < work.model.services.size(); ++i) {
    for (const engine::ServiceInstance& instance : work.model.services[i].instances) {
      CheckClient(work, engine::ServiceId{i}, {i}, instance.cluster, work.model.services[i].policy);
    }
  }
  for (std::uint32_t i = 0; i < work.model.destinations.size(); ++i) {
    for (const engine::Backing& b : work.model.destinations[i].backings) {
      CheckClient(work, engine::DestinationId{i}, b.service, b.cluster,
                  work.model.destinations[i].policy);
    }
  }
}

void ProveReferences(Work& work) {
  work.Conclude("references", "mesh", PropertyVerdict::kProved);
  std::map<std::pair<Span, engine::ServiceId>, std::set<std::string>> missing;
  std::vector<Site> sites = GatewaySites(work.model);
  std::vector<Site> sidecars = SidecarSites(work.model);
  sites.insert(sites.end(), std::make_move_iterator(sidecars.begin()),
               std::make_move_iterator(sidecars.end()));
  for (const Site& site : sites) {
    for (const engine::RouteRule* rule : site.rules) {
      const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule->action);
      if (forwards == nullptr) continue;
      for (const engine::Forward& forward : *forwards) {
        const auto* service = std::get_if<engine::ServiceId>(&forward.target);
        if (service == nullptr || work.model[*service].In(site.cluster) != nullptr) continue;
        missing[{forward.span, *service}].insert(work.model[site.cluster].name);
      }
    }
  }
  for (const auto& [key, clusters] : missing) {
    Diagnostic& d = work.Violation(
        "references", work.TargetName(key.second), codes::kUnresolvedInCluster, Severity::kError,
        key.first,
        "service `" + work.TargetName(key.second) + "` does not run where this rule applies");
    d.clusters.assign(clusters.begin(), clusters.end());
    d.help = "use a destination that spans clusters, or deploy the service there";
  }
}

namespace {

// Locality and identity of every kind of caller there is: one for each place.
std::vector<engine::Sender> Senders(const Model& model) {
  std::set<std::pair<engine::ClusterId, engine::Locality>> places;
  std::vector<engine::Sender> senders;
  for (std::uint32_t i = 0; i < model.workloads.size(); ++i) {
    const engine::Workload& w = model.workloads[i];
    engine::Sender sender = engine::SidecarSender(model, {i}, w.cluster, std::nullopt);
    if (places.insert({w.cluster, sender.locality}).second) senders.push_back(std::move(sender));
  }
  return senders;
}

void CheckEjection(Work& work, const engine::Destination& destination, const std::string& name) {
  if (!destination.policy.failover || destination.policy.outlier) return;
  Diagnostic& d = work.Violation("failover", name, codes::kNoEjection, Severity::kError,
                                 destination.policy.failover->span,
                                 "`" + name + "` has `failover` but nothing ejects endpoints");
  d.help = "add `eject after 5 errors in 10s for 30s`";
}

// What callers lack once the cluster is lost.
std::string HelpForLoss(const Model& model, const engine::Destination& destination,
                        const engine::Sender& sender, engine::ClusterId lost) {
  std::string far;
  for (const engine::Backing& backing : destination.backings) {
    const engine::Cluster& at = model[backing.cluster];
    if (backing.cluster == lost || engine::IsConnected(model, sender.cluster, backing.cluster) ||
        far.find(at.name) != std::string::npos) {
      continue;
    }
    far += (far.empty() ? "`" : ", `") + at.name + "`";
  }
  if (!far.empty()) {
    return "the backing in " + far +
           " is in another network and no east-west gateway of it is "
           "known: say it by `east-west gateway`, or add a backing they can reach";
  }
  const auto& failover = destination.policy.failover;
  const bool any = failover && std::find(failover->order.begin(), failover->order.end(),
                                         engine::Failover::Step::kAny) != failover->order.end();
  return any || !failover ? "add a backing with ready workloads in another cluster"
                          : "add `any` to the failover, or a backing it leads to";
}

// Losing the backings in any one cluster must leave something to every caller.
void CheckLoss(Work& work, engine::DestinationId id, const std::string& name) {
  const engine::Destination& destination = work.model[id];
  std::set<engine::ClusterId> clusters;
  for (const engine::Backing& b : destination.backings) clusters.insert(b.cluster);
  if (clusters.size() < 2) return;
  for (const engine::ClusterId lost : clusters) {
    engine::Request request;
    request.lost_clusters = {lost};
    for (const engine::Sender& sender : Senders(work.model)) {
      // Callers beside what is lost are meant to go elsewhere, if anybody is.
      if (sender.cluster == lost && !destination.policy.failover) continue;
      if (!engine::TiersOf(work.model, id, "", sender, request).empty()) continue;
      Diagnostic& d = work.Violation(
          "failover", name, codes::kNothingLeft, Severity::kError, destination.span,
          "without the backings in cluster `" + work.model[lost].name + "`, callers in `" +
              work.model[sender.cluster].name + "` have no `" + name + "` left");
      d.clusters = {work.model[sender.cluster].name};
      if (destination.policy.failover) {
        d.related.push_back({destination.policy.failover->span, "the order of failover"});
      }
      d.help = HelpForLoss(work.model, destination, sender, lost);
      request.cluster = sender.cluster;
      request.source = AnyCaller(work.model, sender.cluster, destination.workspace);
      request.host = HostOf(work.model, id);
      if (!destination.ports.empty()) request.port = destination.ports.front().number;
      if (!request.source.IsNone()) work.Witness(request, id, false, true);
      return;
    }
  }
}

void CheckResidency(Work& work, const engine::TargetRef& target, const std::string& name,
                    const std::vector<engine::Residency>& marks) {
  for (const engine::Residency& mark : marks) {
    for (const engine::Sender& sender : Senders(work.model)) {
      for (const engine::Tier& tier :
           engine::TiersOf(work.model, target, "", sender, engine::Request{})) {
        for (const engine::Backend& backend : tier.backends) {
          const std::string& region = work.model[backend.cluster].locality.region;
          if (std::find(mark.regions.begin(), mark.regions.end(), region) != mark.regions.end()) {
            continue;
          }
          Diagnostic& d =
              work.Violation("failover", name, codes::kResidencyBroken, Severity::kError, mark.span,
                             "`" + mark.mark + "` data of `" + name +
                                 "` can be served from region `" + region + "`");
          d.clusters = {work.model[backend.cluster].name};
          d.help = "take the cluster out of the destination, or widen the mark";
          return;
        }
      }
    }
  }
}

void CheckMappings(Work& work, const engine::DestinationPolicy& policy, const std::string& name) {
  if (!policy.failover) return;
  for (const engine::Failover::Mapping& mapping : policy.failover->mappings) {
    if (mapping.from != mapping.to || mapping.weight) continue;
    work.Violation("failover", name, codes::kFailoverLoop, Severity::kError, policy.failover->span,
                   "region `" + mapping.from + "` fails over to itself");
  }
}

}  // namespace

void ProveFailover(Work& work) {
  for (std::uint32_t i = 0; i < work.model.destinations.size(); ++i) {
    const engine::DestinationId id{i};
    const std::string name = work.TargetName(id);
    work.Conclude("failover", name, PropertyVerdict::kProved);
    CheckEjection(work, work.model[id], name);
    CheckLoss(work, id, name);
    CheckMappings(work, work.model[id].policy, name);
    CheckResidency(work, id, name, work.model[id].residency);
  }
  for (std::uint32_t i = 0; i < work.model.services.size(); ++i) {
    const engine::ServiceId id{i};
    if (work.model[id].residency.empty()) continue;
    work.Conclude("failover", work.TargetName(id), PropertyVerdict::kProved);
    CheckResidency(work, id, work.TargetName(id), work.model[id].residency);
  }
}

namespace {

// Istio's default when a rule has retries without a limit of their own is the whole timeout.
void CheckRetries(Work& work, const engine::RouteRule& rule) {
  const auto& m = rule.modifiers;
  if (!m.timeout || m.timeout->count() == 0 || !m.retries || !m.retries->per_try) return;
  const auto needed = *m.retries->per_try * (m.retries->attempts + 1);
  if (needed <= *m.timeout) return;
  Diagnostic& d =
      work.Violation("budgets", "mesh", codes::kBudgetExceeded, Severity::kWarning, m.retries->span,
                     std::to_string(m.retries->attempts) + " retries of " +
                         std::to_string(m.retries->per_try->count()) + "ms need " +
                         std::to_string(needed.count()) + "ms, the rule allows " +
                         std::to_string(m.timeout->count()) + "ms");
  d.related.push_back({m.timeout_span, "the time limit"});
  d.help = "fewer attempts, a shorter limit per try, or a longer timeout";
}

// Every declared call waits as long as the calls its callee makes take together.
void CheckCalls(Work& work, engine::ServiceId id) {
  for (const engine::Call& call : work.model[id].calls) {
    if (call.within) {
      engine::Millis below{0};
      for (const engine::Call& next : work.model[call.callee].calls) {
        if (next.within) below += *next.within;
      }
      if (below > *call.within) {
        Diagnostic& d = work.Violation(
            "budgets", "mesh", codes::kBudgetExceeded, Severity::kError, call.span,
            "`" + work.TargetName(id) + "` waits " + std::to_string(call.within->count()) +
                "ms for `" + work.TargetName(call.callee) + "`, which itself waits up to " +
                std::to_string(below.count()) + "ms");
        for (const engine::Call& next : work.model[call.callee].calls) {
          if (next.within) d.related.push_back({next.span, "a call it makes"});
        }
        d.help = "give the outer call more time than the inner ones take together";
      }
    }
  }
}

}  // namespace

void ProveBudgets(Work& work) {
  work.Conclude("budgets", "mesh", PropertyVerdict::kProved);
  std::set<Span> seen;
  for (const engine::Table& table : work.model.tables) {
    for (const engine::RouteRule& rule : table.rules) {
      if (rule.modifiers.retries && seen.insert(rule.modifiers.retries->span).second) {
        CheckRetries(work, rule);
      }
    }
  }
  for (std::uint32_t i = 0; i < work.model.services.size(); ++i) CheckCalls(work, {i});
}

}  // namespace weft::verifier
