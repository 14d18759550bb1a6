#include "engine/model.h"

#include <algorithm>
#include <tuple>

namespace weft::engine {

const ServiceInstance* Service::In(ClusterId cluster) const {
  for (const ServiceInstance& instance : instances) {
    if (instance.cluster == cluster) return &instance;
  }
  return nullptr;
}

ClusterId Model::FindCluster(const std::string& name) const {
  for (std::uint32_t i = 0; i < clusters.size(); ++i) {
    if (clusters[i].name == name) return {i};
  }
  return {};
}

WorkspaceId Model::FindWorkspace(const std::string& name) const {
  const auto at = std::lower_bound(
      workspaces.begin(), workspaces.end(), name,
      [](const Workspace& workspace, const std::string& key) { return workspace.name < key; });
  if (at == workspaces.end() || at->name != name) return {};
  return {static_cast<std::uint32_t>(at - workspaces.begin())};
}

ServiceId Model::FindService(const std::string& ns, const std::string& name) const {
  const auto at = std::lower_bound(services.begin(), services.end(), std::tie(ns, name),
                                   [](const Service& service, const auto& key) {
                                     return std::tie(service.ns, service.name) < key;
                                   });
  if (at == services.end() || at->ns != ns || at->name != name) return {};
  return {static_cast<std::uint32_t>(at - services.begin())};
}

WorkspaceId Model::OwnerOf(ClusterId cluster, const std::string& ns) const {
  const std::pair<ClusterId, std::string> key{cluster, ns};
  for (std::uint32_t i = 0; i < workspaces.size(); ++i) {
    if (workspaces[i].namespaces.contains(key)) return {i};
  }
  return {};
}

const Guard* Model::GuardOf(const std::variant<ServiceId, GatewayId, WorkloadId>& target,
                            ClusterId cluster) const {
  const auto at = std::lower_bound(guards.begin(), guards.end(), std::tie(target, cluster),
                                   [](const Guard& guard, const auto& key) {
                                     return std::tie(guard.target, guard.cluster) < key;
                                   });
  if (at == guards.end() || at->target != target || at->cluster != cluster) return nullptr;
  return &*at;
}

}  // namespace weft::engine
