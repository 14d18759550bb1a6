#include "engine/compiled/names.h"

#include <algorithm>
#include <set>
#include <utility>

namespace weft::engine::compiled {
namespace {

// Authorizers and limiters that the servers of a workspace ask.
using Asked = std::set<std::pair<WorkspaceId, ServiceId>>;

Asked FindAsked(const Model& model) {
  Asked asked;
  for (const Guard& guard : model.guards) {
    const WorkspaceId owner =
        std::visit([&](auto id) { return model[id].workspace; }, guard.target);
    for (const ExternalAuthorization& one : guard.authorization) {
      asked.emplace(owner, model[one.provider].service);
    }
    for (const LimitId id : guard.limits) {
      const LimiterId limiter = model[id].limiter;
      if (!limiter.IsNone()) asked.emplace(owner, model[limiter].service);
    }
  }
  return asked;
}

}  // namespace

HostNames::HostNames(const Model& model)
    : model_(model),
      runs_(model.services.size() * model.clusters.size()),
      has_gateway_(model.workspaces.size()) {
  for (std::uint32_t i = 0; i < model.destinations.size(); ++i) {
    for (const std::string& host : model.destinations[i].hosts)
      (void)destinations_.Insert(0, host, i);
  }
  for (std::uint32_t i = 0; i < model.services.size(); ++i) {
    const Service& service = model.services[i];
    const std::uint32_t ns = namespaces_.Insert(0, service.ns, namespaces_.size());
    (void)services_.Insert(ns, service.name, i);
    for (const ServiceInstance& instance : service.instances) {
      runs_[i * model.clusters.size() + instance.cluster.index()] = true;
    }
  }
  for (std::uint32_t i = 0; i < model.externals.size(); ++i) {
    for (const std::string& host : model.externals[i].hosts) externals_.Add(host, i);
  }
  for (const Cluster& cluster : model.clusters) suffixes_.push_back(".svc." + cluster.domain);
  for (const Gateway& gateway : model.gateways) {
    if (!gateway.workspace.IsNone()) has_gateway_[gateway.workspace.index()] = true;
  }
  AddKnown();
  for (std::uint32_t i = 0; i < model.workspaces.size(); ++i) {
    if (model.workspaces[i].trim) AddListeners({i});
  }
  std::sort(listeners_.begin(), listeners_.end());
  listeners_.erase(std::unique(listeners_.begin(), listeners_.end()), listeners_.end());
}

void HostNames::AddKnown() {
  const Asked asked = FindAsked(model_);
  known_.reserve((model_.workspaces.size() + 1) * TargetCount(model_));
  for (std::uint32_t row = 0; row <= model_.workspaces.size(); ++row) {
    const WorkspaceId workspace = row == 0 ? WorkspaceId{} : WorkspaceId{row - 1};
    const bool trimmed = row != 0 && model_[workspace].trim;
    for (std::uint32_t i = 0; i < model_.services.size(); ++i) {
      known_.push_back(!trimmed || SharedWith(model_.services[i], workspace) ||
                       asked.contains({workspace, ServiceId{i}}) ||
                       IsBeforeEgress(ServiceId{i}, workspace));
    }
    for (const Destination& one : model_.destinations) {
      known_.push_back(KnowsWhatWeftAnnounces(workspace, one));
    }
    for (const External& one : model_.externals) {
      known_.push_back(KnowsWhatWeftAnnounces(workspace, one));
    }
  }
}

// Pods of the service are those of a gateway that external services shared with the workspace are
// reached through, and it has the port for that.
bool HostNames::IsBeforeEgress(ServiceId service, WorkspaceId workspace) const {
  for (const External& external : model_.externals) {
    if (external.via.IsNone() || !SharedWith(external, workspace)) continue;
    const Gateway& gateway = model_[external.via];
    if (gateway.ns != model_[service].ns) continue;
    for (const ServiceInstance& instance : model_[service].instances) {
      const bool has_port =
          std::any_of(instance.ports.begin(), instance.ports.end(), [&](const ServicePort& port) {
            return port.number == gateway.listeners[external.via_listener].port;
          });
      const bool has_pod = std::find_first_of(gateway.workloads.begin(), gateway.workloads.end(),
                                              instance.workloads.begin(),
                                              instance.workloads.end()) != gateway.workloads.end();
      if (has_port && has_pod) return true;
    }
  }
  return false;
}

void HostNames::AddListeners(WorkspaceId workspace) {
  const auto add = [&](ClusterId cluster, const ServicePort& port) {
    if (port.IsHttp()) listeners_.emplace_back(workspace, cluster, port.number);
  };
  const auto add_everywhere = [&](const ServicePort& port) {
    for (std::uint32_t c = 0; c < model_.clusters.size(); ++c) add({c}, port);
  };
  for (std::uint32_t i = 0; i < model_.services.size(); ++i) {
    if (!Knows(workspace, ServiceId{i})) continue;
    for (const ServiceInstance& instance : model_.services[i].instances) {
      for (const ServicePort& port : instance.ports) add(instance.cluster, port);
    }
  }
  for (std::uint32_t i = 0; i < model_.destinations.size(); ++i) {
    if (!Knows(workspace, DestinationId{i})) continue;
    for (const ServicePort& port : model_.destinations[i].ports) add_everywhere(port);
  }
  for (std::uint32_t i = 0; i < model_.externals.size(); ++i) {
    if (!Knows(workspace, ExternalId{i})) continue;
    for (const External::Port& port : model_.externals[i].ports) add_everywhere(port.port);
  }
}

bool HostNames::Listens(WorkspaceId workspace, ClusterId cluster, std::uint16_t port) const {
  return std::binary_search(listeners_.begin(), listeners_.end(),
                            std::tuple(workspace, cluster, port));
}

std::uint32_t HostNames::NamespaceNumber(std::string_view ns) const {
  return namespaces_.Find(0, ns);
}

ServiceId HostNames::ServiceOf(std::string_view host, std::uint32_t ns, ClusterId cluster) const {
  const std::string_view suffix = suffixes_[cluster.index()];
  constexpr std::string_view kShort = ".svc";
  if (host.size() > suffix.size() && host.ends_with(suffix)) {
    host.remove_suffix(suffix.size());
  } else if (host.ends_with(kShort)) {
    host.remove_suffix(kShort.size());
  }
  std::string_view name = host;
  const std::size_t dot = host.find('.');
  if (dot != std::string_view::npos) {
    name = host.substr(0, dot);
    ns = NamespaceNumber(host.substr(dot + 1));
  }
  if (ns == TextMap::kAbsent) return {};
  return {services_.Find(ns, name)};
}

std::optional<TargetRef> HostNames::Resolve(std::string_view host, std::uint32_t ns,
                                            ClusterId cluster) const {
  const std::uint32_t destination = destinations_.Find(0, host);
  if (destination != TextMap::kAbsent) return DestinationId{destination};
  const ServiceId service = ServiceOf(host, ns, cluster);
  if (!service.IsNone() && runs_[service.index() * model_.clusters.size() + cluster.index()]) {
    return service;
  }
  const HostIndex::Found found = externals_.Find(host);
  if (found.rank == 0) return std::nullopt;
  return ExternalId{found.ids.front()};
}

template <typename Object>
bool HostNames::SharedWith(const Object& object, WorkspaceId workspace) const {
  return object.workspace == workspace ||
         std::any_of(object.grants.begin(), object.grants.end(),
                     [&](const Grant& grant) { return grant.to == workspace; });
}

// Services are announced by Kubernetes to everyone. What weft announces itself, it announces to
// those who may use it, and to the owners of gateways.
template <typename Object>
bool HostNames::AnnouncedTo(const Object& object, WorkspaceId workspace) const {
  if (object.workspace.IsNone() || !model_[object.workspace].isolated) return true;
  if (SharedWith(object, workspace)) return true;
  return !workspace.IsNone() && has_gateway_[workspace.index()];
}

template <typename Object>
bool HostNames::KnowsWhatWeftAnnounces(WorkspaceId workspace, const Object& object) const {
  const bool trimmed = !workspace.IsNone() && model_[workspace].trim;
  return AnnouncedTo(object, workspace) && (!trimmed || SharedWith(object, workspace));
}

}  // namespace weft::engine::compiled
