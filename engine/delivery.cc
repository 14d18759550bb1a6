#include "engine/delivery.h"
#include "engine/asks.h"
#include "engine/fronts.h"

#include <algorithm>
#include <map>
#include <set>

#include "dsl/overloaded.h"
#include "engine/places.h"

namespace weft::engine {
namespace {

Locality LocalityOf(const Model& model, WorkloadId workload, ClusterId cluster) {
  if (!workload.IsNone() && !model[workload].localities.empty()) {
    return model[workload].localities.front();
  }
  return model[cluster].locality;
}

// One group of endpoints of equal place.
struct Endpoint {
  Backend backend;
  Locality locality;
  std::string network;
  std::int64_t replicas = 1;  // ready ones
};

// Replicas of unknown place stand in the first of the workload's, or at `home`.
void AddReplicas(const Workload& workload, const Locality& home,
                 std::map<Locality, std::int64_t>& places) {
  std::int64_t unplaced = workload.ready;
  for (const Locality& place : workload.localities) {
    const auto known = workload.ready_in.find(place);
    const std::int64_t here = known == workload.ready_in.end() ? 0 : known->second;
    places[place] += here;
    unplaced -= here;
  }
  const Locality& first = workload.localities.empty() ? home : workload.localities.front();
  places[first] += std::max<std::int64_t>(unplaced, 0);
}

// Ready endpoints of a service in one cluster, one per locality.
void AddServiceEndpoints(const Model& model, ServiceId service, ClusterId cluster,
                         const std::string& subset, const Request& request,
                         std::vector<Endpoint>& out) {
  const ServiceInstance* instance = model[service].In(cluster);
  if (instance == nullptr) return;
  const Labels* wanted = nullptr;
  for (const Subset& candidate : model[service].subsets) {
    if (candidate.name == subset) wanted = &candidate.labels;
  }
  std::map<Locality, std::int64_t> places;
  for (const WorkloadId id : instance->workloads) {
    const Workload& workload = model[id];
    if (workload.ready <= 0) continue;
    if (wanted != nullptr && !Selects(*wanted, workload.labels)) continue;
    AddReplicas(workload, model[cluster].locality, places);
  }
  for (const auto& [place, replicas] : places) {
    if (IsLost(request, cluster, place)) continue;
    out.push_back({{cluster, service, subset}, place, model[cluster].network, replicas});
  }
}

void AddExternalEndpoints(const Model& model, ExternalId id, const Sender& sender,
                          const Request& request, std::vector<Endpoint>& out) {
  const External& external = model[id];
  if (external.endpoints.empty()) {
    out.push_back({{sender.cluster, id, ""}, {}, ""});
    return;
  }
  for (const ExternalEndpoint& endpoint : external.endpoints) {
    if (request.lost_regions.contains(endpoint.locality.region) ||
        request.lost_zones.contains(endpoint.locality.zone)) {
      continue;
    }
    out.push_back({{sender.cluster, id, ""}, endpoint.locality, ""});
  }
}

std::vector<Endpoint> EndpointsOf(const Model& model, const TargetRef& target,
                                  const std::string& subset, const Sender& sender,
                                  const Request& request) {
  std::vector<Endpoint> endpoints;
  std::visit(
      Overloaded{
          [&](ServiceId id) {
            AddServiceEndpoints(model, id, sender.cluster, subset, request, endpoints);
          },
          [&](DestinationId id) {
            for (const Backing& backing : model[id].backings) {
              if (!IsConnected(model, sender.cluster, backing.cluster)) continue;
              AddServiceEndpoints(model, backing.service, backing.cluster, subset, request,
                                  endpoints);
            }
            for (const ExternalId external : model[id].externals) {
              AddExternalEndpoints(model, external, sender, request, endpoints);
            }
          },
          [&](ExternalId id) { AddExternalEndpoints(model, id, sender, request, endpoints); },
      },
      target);
  return endpoints;
}

bool StepHolds(Failover::Step step, const Model& model, const Sender& sender,
               const Endpoint& endpoint) {
  switch (step) {
    case Failover::Step::kSameZone:
      return endpoint.locality == sender.locality;
    case Failover::Step::kSameRegion:
      return endpoint.locality.region == sender.locality.region;
    case Failover::Step::kSameCluster:
      return endpoint.backend.cluster == sender.cluster;
    case Failover::Step::kSameNetwork:
      return endpoint.network == model[sender.cluster].network;
    case Failover::Step::kAny:
      return true;
  }
  return false;
}

// Rank by the first step that admits the endpoint; nullopt when none does.
std::optional<std::size_t> RankByOrder(const std::vector<Failover::Step>& order, const Model& model,
                                       const Sender& sender, const Endpoint& endpoint) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (StepHolds(order[i], model, sender, endpoint)) return i;
  }
  return std::nullopt;
}

// Rank under `failover from region a to region b`: own zone, own region, then where the mapping
// leads. Weighted mappings spread instead: every named region is in the first tier.
std::optional<std::size_t> RankByMapping(const std::vector<Failover::Mapping>& mappings,
                                         const Sender& sender, const Endpoint& endpoint) {
  const std::string& region = sender.locality.region;
  bool mapped = false;
  for (const Failover::Mapping& mapping : mappings) {
    if (mapping.from != region) continue;
    mapped = true;
    if (mapping.to != endpoint.locality.region) continue;
    if (mapping.weight) return *mapping.weight > 0 ? std::optional<std::size_t>(0) : std::nullopt;
    return 2;
  }
  if (endpoint.locality == sender.locality) return 0;
  if (endpoint.locality.region == region) return 1;
  if (mapped) return std::nullopt;
  return 3;
}

const std::vector<Failover::Step>& DefaultOrder() {
  static const std::vector<Failover::Step> order = {
      Failover::Step::kSameZone, Failover::Step::kSameRegion, Failover::Step::kAny};
  return order;
}

// Istio applies locality priorities only together with outlier detection
// (pilot/pkg/networking/core/loadbalancer); without it all endpoints are equal.
std::optional<std::size_t> RankOf(const Model& model, const DestinationPolicy& policy,
                                  const Sender& sender, const Endpoint& endpoint) {
  const bool mapped = policy.failover && !policy.failover->mappings.empty();
  if (!policy.failover && !policy.outlier) return 0;
  if (mapped) return RankByMapping(policy.failover->mappings, sender, endpoint);
  const bool ordered = policy.failover && !policy.failover->order.empty();
  const std::vector<Failover::Step>& order = ordered ? policy.failover->order : DefaultOrder();
  const std::optional<std::size_t> rank = RankByOrder(order, model, sender, endpoint);
  if (!policy.outlier && rank) return 0;
  return rank;
}

}  // namespace

bool IsConnected(const Model& model, ClusterId from, ClusterId to) {
  return from == to || model[from].network == model[to].network || !model[to].east_west.empty();
}

std::vector<ServicePort> ServicePortsOf(const Model& model, const TargetRef& target,
                                        ClusterId cluster) {
  return std::visit(Overloaded{
                        [&](ServiceId id) {
                          const ServiceInstance* instance = model[id].In(cluster);
                          return instance == nullptr ? std::vector<ServicePort>{} : instance->ports;
                        },
                        [&](DestinationId id) { return model[id].ports; },
                        [&](ExternalId id) {
                          std::vector<ServicePort> ports;
                          for (const auto& port : model[id].ports) ports.push_back(port.port);
                          return ports;
                        },
                    },
                    target);
}

bool HasPort(const Model& model, const TargetRef& target, ClusterId cluster, std::uint16_t port) {
  const auto has = [port](const std::vector<ServicePort>& ports) {
    return std::any_of(ports.begin(), ports.end(),
                       [port](const ServicePort& p) { return p.number == port; });
  };
  return std::visit(Overloaded{
                        [&](ServiceId id) {
                          const ServiceInstance* instance = model[id].In(cluster);
                          return instance != nullptr && has(instance->ports);
                        },
                        [&](DestinationId id) { return has(model[id].ports); },
                        [&](ExternalId id) {
                          const auto& ports = model[id].ports;
                          return std::any_of(ports.begin(), ports.end(), [port](const auto& p) {
                            return p.port.number == port;
                          });
                        },
                    },
                    target);
}

const DestinationPolicy& PolicyOf(const Model& model, const TargetRef& target) {
  return *std::visit(Overloaded{
                         [&](ServiceId id) { return &model[id].policy; },
                         [&](DestinationId id) { return &model[id].policy; },
                         [&](ExternalId id) { return &model[id].policy; },
                     },
                     target);
}

std::uint16_t PortOf(const Model& model, const Forward& forward, const Request& request,
                     ClusterId cluster) {
  if (forward.port != 0) return forward.port;
  const std::vector<ServicePort> ports = ServicePortsOf(model, forward.target, cluster);
  if (request.gateway.IsNone()) {
    for (const ServicePort& port : ports) {
      if (port.number == request.port) return port.number;
    }
  }
  if (ports.size() == 1) return ports.front().number;
  for (const ServicePort& port : ports) {
    if (port.IsHttp() == (request.layer == Layer::kHttp)) return port.number;
  }
  return request.port;
}

std::uint16_t BackendPort(const Model& model, const TargetRef& target, const Backend& backend,
                          std::uint16_t port) {
  const DestinationId* destination = std::get_if<DestinationId>(&target);
  const ServiceId* service = std::get_if<ServiceId>(&backend.service);
  if (destination == nullptr || service == nullptr) return port;
  const ServiceInstance* instance = model[*service].In(backend.cluster);
  if (instance == nullptr) return port;
  std::uint16_t wanted = port;
  for (const ServicePort& p : model[*destination].ports) {
    if (p.number == port) wanted = p.target;
  }
  for (const ServicePort& p : instance->ports) {
    if (p.number == port) return port;
  }
  for (const ServicePort& p : instance->ports) {
    if (p.target == wanted || p.number == wanted) return p.number;
  }
  return port;
}

const Guard* EnforcedGuard(const Model& model, const Backend& backend) {
  const ServiceId* service = std::get_if<ServiceId>(&backend.service);
  if (service == nullptr) return nullptr;
  const ServiceInstance* instance = model[*service].In(backend.cluster);
  const auto any = [&](auto fits) {
    return std::any_of(instance->workloads.begin(), instance->workloads.end(),
                       [&](WorkloadId id) { return fits(model[id]); });
  };
  // Where nothing is ready, what will be counts.
  const bool ready = instance != nullptr && any([](const Workload& w) { return w.ready > 0; });
  const bool enforced = instance == nullptr || any([&](const Workload& w) {
                          return w.sidecar && (!ready || w.ready > 0);
                        });
  return enforced ? model.GuardOf(*service, backend.cluster) : nullptr;
}

GatewayId EgressBefore(const Model& model, const TargetRef& target, std::uint16_t port,
                       const Sender& sender) {
  const auto* id = std::get_if<ExternalId>(&target);
  if (id == nullptr || !sender.proxied) return {};
  const External& external = model[*id];
  const bool passes =
      std::any_of(external.ports.begin(), external.ports.end(),
                  [port](const External::Port& p) { return p.via && p.port.number == port; });
  return passes && external.via != sender.gateway ? external.via : GatewayId{};
}

Checkpoint CheckpointOf(const Model& model, const TargetRef& target, const Backend& backend,
                        std::uint16_t port, const Sender& sender) {
  const GatewayId egress = EgressBefore(model, target, port, sender);
  if (egress.IsNone()) {
    const std::optional<ClientTls>& tls = PolicyOf(model, target).tls;
    return {.guard = EnforcedGuard(model, backend),
            .port = BackendPort(model, target, backend, port),
            .identified = !tls || tls->mode == ClientTls::Mode::kIstioMutual};
  }
  const Gateway& gateway = model[egress];
  const Listener& listener = gateway.listeners[model[std::get<ExternalId>(target)].via_listener];
  return {.guard = model.GuardOf(egress, sender.cluster),
          .port = listener.port,
          .identified = listener.tls == TlsMode::kIstioMutual,
          .reached = std::find(gateway.clusters.begin(), gateway.clusters.end(), sender.cluster) !=
                     gateway.clusters.end()};
}

bool IsVisible(const Model& model, WorkspaceId from, const TargetRef& target) {
  const auto granted = [&](const auto& object) {
    return object.workspace == from ||
           std::any_of(object.grants.begin(), object.grants.end(),
                       [&](const Grant& grant) { return grant.to == from; });
  };
  // Hosts that weft itself makes known are made known to those who may use them.
  const auto known = [&](const auto& object) {
    if (object.workspace.IsNone() || !model[object.workspace].isolated || granted(object)) {
      return true;
    }
    return std::any_of(model.gateways.begin(), model.gateways.end(), [&](const Gateway& gateway) {
      return !gateway.workspace.IsNone() && gateway.workspace == from;
    });
  };
  // Who may use what lies behind an egress gateway knows the way to it.
  const auto leads_out = [&](ServiceId id) {
    return std::any_of(model.externals.begin(), model.externals.end(), [&](const External& e) {
      return IsWayOut(model, e, model[id]) && granted(e);
    });
  };
  const bool trimmed = !from.IsNone() && model[from].trim;
  return std::visit(
      Overloaded{
          [&](ServiceId id) {
            return !trimmed || granted(model[id]) || Asks(model, from, id) || leads_out(id);
          },
          [&](auto id) { return known(model[id]) && (!trimmed || granted(model[id])); },
      },
      target);
}

bool Reaches(const Model& model, WorkspaceId from, const TargetRef& target) {
  const bool trimmed = !from.IsNone() && model[from].trim;
  return (std::holds_alternative<ExternalId>(target) && !trimmed) || IsVisible(model, from, target);
}

bool ListensForHttp(const Model& model, WorkspaceId from, ClusterId cluster, std::uint16_t port) {
  const auto fits = [port](const ServicePort& p) { return p.IsHttp() && p.number == port; };
  for (std::uint32_t i = 0; i < model.services.size(); ++i) {
    const ServiceInstance* here = model.services[i].In(cluster);
    if (here != nullptr && IsVisible(model, from, ServiceId{i}) &&
        std::any_of(here->ports.begin(), here->ports.end(), fits)) {
      return true;
    }
  }
  for (std::uint32_t i = 0; i < model.destinations.size(); ++i) {
    const auto& ports = model.destinations[i].ports;
    if (IsVisible(model, from, DestinationId{i}) && std::any_of(ports.begin(), ports.end(), fits)) {
      return true;
    }
  }
  for (std::uint32_t i = 0; i < model.externals.size(); ++i) {
    const auto& ports = model.externals[i].ports;
    if (IsVisible(model, from, ExternalId{i}) &&
        std::any_of(ports.begin(), ports.end(),
                    [&](const External::Port& p) { return fits(p.port); })) {
      return true;
    }
  }
  return false;
}

Sender SidecarSender(const Model& model, WorkloadId source, ClusterId cluster,
                     std::optional<Identity> identity) {
  return {cluster, LocalityOf(model, source, cluster), std::move(identity)};
}

Sender GatewaySender(const Model& model, GatewayId gateway, ClusterId cluster) {
  for (const WorkloadId id : model[gateway].workloads) {
    if (model[id].cluster != cluster) continue;
    return {cluster, LocalityOf(model, id, cluster),
            Identity{model[cluster].trust_domain, model[id].ns, model[id].account}, gateway};
  }
  return {cluster, model[cluster].locality, std::nullopt, gateway};
}

std::vector<Tier> TiersOf(const Model& model, const TargetRef& target, const std::string& subset,
                          const Sender& sender, const Request& request) {
  const DestinationPolicy& policy = PolicyOf(model, target);
  std::map<std::size_t, std::set<Backend>> by_rank;
  for (const Endpoint& endpoint : EndpointsOf(model, target, subset, sender, request)) {
    const std::optional<std::size_t> rank = RankOf(model, policy, sender, endpoint);
    if (rank) by_rank[*rank].insert(endpoint.backend);
  }
  std::vector<Tier> tiers;
  for (const auto& [rank, backends] : by_rank) {
    tiers.push_back({std::vector<Backend>(backends.begin(), backends.end())});
  }
  return tiers;
}

std::int64_t ReplicasOf(const Model& model, const TargetRef& target, const Sender& sender,
                        const Request& request) {
  const DestinationPolicy& policy = PolicyOf(model, target);
  std::int64_t replicas = 0;
  for (const Endpoint& endpoint : EndpointsOf(model, target, "", sender, request)) {
    if (RankOf(model, policy, sender, endpoint)) replicas += endpoint.replicas;
  }
  return replicas;
}

Branch Deliver(const Model& model, const Forward& forward, std::uint16_t port, const Sender& sender,
               const Request& request, std::vector<Span>& rules) {
  Branch branch{.weight = forward.weight,
                .target = forward.target,
                .subset = forward.subset,
                .tiers = {},
                .blocked = std::nullopt};
  if (!HasPort(model, forward.target, sender.cluster, port)) {
    branch.blocked = Block{Stage::kUnavailable, 503, {forward.span}};
    return branch;
  }
  branch.tiers = TiersOf(model, forward.target, forward.subset, sender, request);
  if (branch.tiers.empty()) {
    branch.blocked = Block{Stage::kUnavailable, 503, {forward.span}};
    return branch;
  }
  static const std::optional<Identity> kNobody;
  for (const Backend& backend : branch.tiers.front().backends) {
    const Checkpoint at = CheckpointOf(model, forward.target, backend, port, sender);
    if (!at.reached) {
      branch.blocked = Block{Stage::kUnavailable, 503, {forward.span}};
    } else if (at.guard != nullptr) {
      const bool identified = request.direct || at.identified;
      branch.blocked = CheckGuard(model, *at.guard, request, identified ? sender.identity : kNobody,
                                  at.port, rules);
    }
    if (branch.blocked) break;
  }
  return branch;
}

}  // namespace weft::engine
