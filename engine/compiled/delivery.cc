#include "engine/compiled/delivery.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "dsl/overloaded.h"

namespace weft::engine::compiled {
namespace {

const Locality kNoPlace;
const std::string kNoNetwork;

bool IsGone(const Request& lost, const Locality& place) {
  return lost.lost_regions.contains(place.region) || lost.lost_zones.contains(place.zone);
}

// Labels a pod must have to belong to the subset; nullptr = all pods do.
const Labels* SubsetLabels(const Service& service, const std::string& name) {
  const auto at = std::find_if(service.subsets.rbegin(), service.subsets.rend(),
                               [&](const Subset& subset) { return subset.name == name; });
  return at == service.subsets.rend() ? nullptr : &at->labels;
}

bool HasLabels(const Labels& wanted, const Labels& found) {
  return std::includes(found.begin(), found.end(), wanted.begin(), wanted.end());
}

// 0 the sender's zone, 1 its region, 3 elsewhere; a mapping of its region leads to 2, or with
// weights into the first tier, and excludes all other regions.
std::optional<std::size_t> MappedRank(const std::vector<Failover::Mapping>& mappings,
                                      const Locality& from, const Locality& to) {
  bool leads_away = false;
  for (const Failover::Mapping& mapping : mappings) {
    if (mapping.from != from.region) continue;
    leads_away = true;
    if (mapping.to != to.region) continue;
    if (!mapping.weight) return 2;
    if (*mapping.weight > 0) return 0;
    return std::nullopt;
  }
  if (to.region == from.region) return to.zone == from.zone ? 0 : 1;
  if (leads_away) return std::nullopt;
  return 3;
}

}  // namespace

const DestinationPolicy& PolicyOf(const Model& model, const TargetRef& target) {
  if (const auto* service = std::get_if<ServiceId>(&target)) return model[*service].policy;
  if (const auto* destination = std::get_if<DestinationId>(&target)) {
    return model[*destination].policy;
  }
  return model[*std::get_if<ExternalId>(&target)].policy;
}

Delivery::Delivery(const Model& model) : model_(model) {
  const auto add_plan = [&](const TargetRef& target) {
    const DestinationPolicy& policy = PolicyOf(model, target);
    plans_.push_back({target, "", policy.failover.has_value() || policy.outlier.has_value()});
    foreign_tls_.push_back(policy.tls && policy.tls->mode != ClientTls::Mode::kIstioMutual);
  };
  for (std::uint32_t i = 0; i < model.services.size(); ++i) {
    add_plan(ServiceId{i});
    const std::size_t first = port_ranges_.size();
    port_ranges_.resize(first + model.clusters.size());
    for (const ServiceInstance& instance : model.services[i].instances) {
      AddPorts(instance.ports, port_ranges_[first + instance.cluster.index()]);
    }
  }
  for (std::uint32_t i = 0; i < model.destinations.size(); ++i) {
    add_plan(DestinationId{i});
    AddPorts(model.destinations[i].ports, port_ranges_.emplace_back());
  }
  for (std::uint32_t i = 0; i < model.externals.size(); ++i) {
    add_plan(ExternalId{i});
    std::vector<ServicePort> ports;
    for (const External::Port& port : model.externals[i].ports) ports.push_back(port.port);
    AddPorts(ports, port_ranges_.emplace_back());
  }
}

void Delivery::AddPorts(const std::vector<ServicePort>& ports, Range& range) {
  range = {static_cast<std::uint32_t>(ports_.size()), static_cast<std::uint32_t>(ports.size())};
  for (const ServicePort& port : ports) {
    ports_.push_back({port.number, port.target, port.IsHttp()});
  }
}

std::uint32_t Delivery::PlanOf(const TargetRef& target) const {
  return static_cast<std::uint32_t>(TargetNumber(model_, target));
}

std::uint32_t Delivery::AddPlan(const TargetRef& target, const std::string& subset) {
  if (subset.empty()) return PlanOf(target);
  const auto [at, fresh] = subset_plans_.try_emplace({TargetNumber(model_, target), subset},
                                                     static_cast<std::uint32_t>(plans_.size()));
  if (fresh) plans_.push_back({target, subset, plans_[PlanOf(target)].by_locality});
  return at->second;
}

Place Delivery::AddPlace(WorkloadId workload, ClusterId cluster) {
  const bool placed = !workload.IsNone() && !model_[workload].localities.empty();
  const Locality& locality =
      placed ? model_[workload].localities.front() : model_[cluster].locality;
  const auto [at, fresh] =
      locality_numbers_.try_emplace(locality, static_cast<std::uint32_t>(localities_.size()));
  if (fresh) localities_.push_back(locality);
  const Place place{cluster, at->second};
  if (std::find(places_.begin(), places_.end(), place) == places_.end()) places_.push_back(place);
  return place;
}

std::size_t Delivery::CellOf(std::uint32_t plan, const Place& place) const {
  return (plan * model_.clusters.size() + place.cluster.index()) * localities_.size() +
         place.locality;
}

void Delivery::Prepare() {
  cells_.assign(plans_.size() * model_.clusters.size() * localities_.size(), kUnprepared);
  std::sort(places_.begin(), places_.end());
  const Request nothing_lost;
  Keep({});  // kNowhere
  for (std::uint32_t plan = 0; plan < plans_.size(); ++plan) {
    const Place* before = nullptr;
    for (const Place& place : places_) {
      std::uint32_t& cell = cells_[CellOf(plan, place)];
      if (before != nullptr && before->cluster == place.cluster && !plans_[plan].by_locality) {
        cell = cells_[CellOf(plan, *before)];
        continue;
      }
      before = &place;
      Tiers tiers = Compute(plan, place, nothing_lost);
      cell = tiers.all.empty() ? kNowhere : Keep(std::move(tiers));
    }
  }
}

std::uint32_t Delivery::Keep(Tiers tiers) {
  guard_ranges_.push_back({static_cast<std::uint32_t>(guards_.size()),
                           static_cast<std::uint32_t>(tiers.guards.size())});
  guards_.insert(guards_.end(), tiers.guards.begin(), tiers.guards.end());
  prepared_.push_back(std::move(tiers.all));
  return static_cast<std::uint32_t>(prepared_.size() - 1);
}

std::uint32_t Delivery::Find(std::uint32_t plan, const Place& place) const {
  if (place.locality >= localities_.size()) return kUnprepared;
  return cells_[CellOf(plan, place)];
}

void Delivery::AddService(ServiceId service, ClusterId cluster, const std::string& subset,
                          const Request& lost, std::vector<Endpoint>& out) const {
  const Service& of = model_[service];
  const auto instance =
      std::find_if(of.instances.begin(), of.instances.end(),
                   [&](const ServiceInstance& candidate) { return candidate.cluster == cluster; });
  if (instance == of.instances.end() || lost.lost_clusters.contains(cluster)) return;
  const Labels* labels = SubsetLabels(of, subset);
  const Cluster& home = model_[cluster];
  const auto add = [&](const Locality& place) {
    if (!IsGone(lost, place)) out.push_back({{cluster, service, subset}, &place, &home.network});
  };
  for (const WorkloadId id : instance->workloads) {
    const Workload& workload = model_[id];
    if (workload.ready <= 0) continue;
    if (labels != nullptr && !HasLabels(*labels, workload.labels)) continue;
    if (workload.localities.empty()) add(home.locality);
    for (const Locality& place : workload.localities) add(place);
  }
}

void Delivery::AddExternal(ExternalId external, ClusterId sender, const Request& lost,
                           std::vector<Endpoint>& out) const {
  const Backend backend{sender, external, ""};
  const auto& endpoints = model_[external].endpoints;
  if (endpoints.empty()) out.push_back({backend, &kNoPlace, &kNoNetwork});
  for (const ExternalEndpoint& endpoint : endpoints) {
    if (!IsGone(lost, endpoint.locality)) {
      out.push_back({backend, &endpoint.locality, &kNoNetwork});
    }
  }
}

std::vector<Delivery::Endpoint> Delivery::EndpointsOf(const Plan& plan, ClusterId sender,
                                                      const Request& lost) const {
  std::vector<Endpoint> out;
  const auto reaches = [&](ClusterId cluster) {
    const Cluster& to = model_[cluster];
    return cluster == sender || to.network == model_[sender].network || !to.east_west.empty();
  };
  std::visit(Overloaded{
                 [&](ServiceId id) { AddService(id, sender, plan.subset, lost, out); },
                 [&](ExternalId id) { AddExternal(id, sender, lost, out); },
                 [&](DestinationId id) {
                   for (const Backing& backing : model_[id].backings) {
                     if (!reaches(backing.cluster)) continue;
                     AddService(backing.service, backing.cluster, plan.subset, lost, out);
                   }
                   for (const ExternalId external : model_[id].externals) {
                     AddExternal(external, sender, lost, out);
                   }
                 },
             },
             plan.target);
  return out;
}

// Locality counts only together with outlier detection, in Istio as here.
std::optional<std::size_t> Delivery::RankOf(const DestinationPolicy& policy, const Place& place,
                                            const Endpoint& endpoint) const {
  using Step = Failover::Step;
  if (!policy.failover && !policy.outlier) return 0;
  const Locality& from = localities_[place.locality];
  const Locality& to = *endpoint.locality;
  if (policy.failover && !policy.failover->mappings.empty()) {
    return MappedRank(policy.failover->mappings, from, to);
  }
  const auto admits = [&](Step step) {
    switch (step) {
      case Step::kSameZone:
        return to.region == from.region && to.zone == from.zone;
      case Step::kSameRegion:
        return to.region == from.region;
      case Step::kSameCluster:
        return endpoint.backend.cluster == place.cluster;
      case Step::kSameNetwork:
        return *endpoint.network == model_[place.cluster].network;
      case Step::kAny:
        return true;
    }
    return false;
  };
  static constexpr Step kUsual[] = {Step::kSameZone, Step::kSameRegion, Step::kAny};
  std::span<const Step> order = kUsual;
  if (policy.failover && !policy.failover->order.empty()) order = policy.failover->order;
  const auto at = std::find_if(order.begin(), order.end(), admits);
  if (at == order.end()) return std::nullopt;
  if (!policy.outlier) return 0;
  return static_cast<std::size_t>(at - order.begin());
}

Tiers Delivery::Compute(std::uint32_t plan, const Place& place, const Request& lost) const {
  const DestinationPolicy& policy = PolicyOf(model_, plans_[plan].target);
  std::set<std::pair<std::size_t, Backend>> ranked;
  for (const Endpoint& endpoint : EndpointsOf(plans_[plan], place.cluster, lost)) {
    if (const auto rank = RankOf(policy, place, endpoint)) ranked.insert({*rank, endpoint.backend});
  }
  Tiers tiers;
  std::optional<std::size_t> current;
  for (const auto& [rank, backend] : ranked) {
    if (rank != current) tiers.all.emplace_back();
    current = rank;
    tiers.all.back().backends.push_back(backend);
  }
  if (tiers.all.empty()) return tiers;
  for (const Backend& backend : tiers.all.front().backends) {
    tiers.guards.push_back(GuardOf(backend));
  }
  return tiers;
}

// A guard is enforced by the sidecars of ready pods; a service nobody runs has its guard all the
// same.
GuardNumber Delivery::GuardOf(const Backend& backend) const {
  const auto* service = std::get_if<ServiceId>(&backend.service);
  if (service == nullptr) return kNoGuard;
  bool enforced = true;
  for (const ServiceInstance& instance : model_[*service].instances) {
    if (instance.cluster != backend.cluster) continue;
    enforced =
        std::any_of(instance.workloads.begin(), instance.workloads.end(),
                    [&](WorkloadId id) { return model_[id].sidecar && model_[id].ready > 0; });
  }
  return enforced ? NumberOf(model_, model_.GuardOf(*service, backend.cluster)) : kNoGuard;
}

std::span<const Port> Delivery::PortsOf(const TargetRef& target, ClusterId cluster) const {
  const std::size_t clusters = model_.clusters.size();
  const auto* service = std::get_if<ServiceId>(&target);
  const std::size_t at =
      service != nullptr ? service->index() * clusters + cluster.index()
                         : model_.services.size() * (clusters - 1) + TargetNumber(model_, target);
  return {ports_.data() + port_ranges_[at].first, port_ranges_[at].count};
}

std::uint16_t Delivery::BackendPort(const TargetRef& target, const Backend& backend,
                                    std::uint16_t port) const {
  const auto* service = std::get_if<ServiceId>(&backend.service);
  if (!std::holds_alternative<DestinationId>(target) || service == nullptr) return port;
  std::uint16_t wanted = port;
  for (const Port& p : PortsOf(target, backend.cluster)) {
    if (p.number == port) wanted = p.target;
  }
  std::optional<std::uint16_t> by_target;
  for (const Port& p : PortsOf(*service, backend.cluster)) {
    if (p.number == port) return port;
    if (!by_target && (p.target == wanted || p.number == wanted)) by_target = p.number;
  }
  return by_target.value_or(port);
}

}  // namespace weft::engine::compiled
