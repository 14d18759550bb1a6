#include "emit/check/registry.h"

#include "emit/check/strings.h"

namespace weft::emit::check {

Registry::Registry(const Mesh& mesh, const ObjectIndex& index) : mesh_(mesh), index_(index) {
  clusters_.resize(mesh.world.clusters.size());
  for (std::uint32_t c = 0; c < clusters_.size(); ++c) {
    Known& known = clusters_[c];
    for (const engine::Service& service : mesh.world.services) {
      const engine::ServiceInstance* instance = service.In({c});
      if (instance == nullptr) continue;
      const std::string name = service.Fqdn(mesh.world.clusters[c]);
      known.exact.emplace(name, Host{name, instance, service.ns, nullptr});
    }
    for (const IstioObject* entry : OfKind(mesh, {c}, "ServiceEntry")) {
      const yaml::Node* hosts = entry->spec.Find("hosts");
      if (hosts == nullptr) continue;
      for (const yaml::Node& h : hosts->items) {
        if (h.text.starts_with('*')) {
          known.wild.emplace_back(h.text, entry);
        } else {
          known.exact.emplace(h.text, Host{h.text, nullptr, entry->ns, entry});
        }
      }
    }
  }
}

const Host* Registry::Named(engine::ClusterId cluster, const std::string& name) const {
  Known& known = clusters_[cluster.index()];
  const auto at = known.exact.find(name);
  if (at != known.exact.end()) return &at->second;
  const IstioObject* best = nullptr;
  std::size_t fit = 0;
  for (const auto& [pattern, entry] : known.wild) {
    const std::size_t here = HostFit(pattern, name);
    if (here <= fit) continue;
    fit = here;
    best = entry;
  }
  if (best == nullptr) return nullptr;
  return &known.exact.emplace(name, Host{name, nullptr, best->ns, best}).first->second;
}

const Host* Registry::Find(engine::ClusterId cluster, const std::string& ns,
                           const std::string& host) const {
  for (const std::string& name : FullNames(mesh_, cluster, ns, host)) {
    const Host* found = Named(cluster, name);
    if (found == nullptr) continue;
    if (found->entry != nullptr && !Exported(*found->entry, ns)) continue;
    for (const IstioObject* sidecar : index_.In(cluster, "Sidecar", ns)) {
      if (sidecar->spec.Find("workloadSelector") != nullptr) continue;
      return Admits(*sidecar, *found, found->service_ns) ? found : nullptr;
    }
    return found;
  }
  return nullptr;
}

}  // namespace weft::emit::check
