#include "engine/inventory.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace weft::engine {
namespace {

constexpr std::string_view kInjectLabel = "sidecar.istio.io/inject";
constexpr std::string_view kRevisionLabel = "istio.io/rev";
constexpr std::string_view kNamespaceLabel = "istio-injection";

bool Has(const Labels& labels, std::string_view key) { return labels.contains(std::string(key)); }

bool OptsIn(const Labels& labels) {
  const auto inject = labels.find(std::string(kInjectLabel));
  return (inject != labels.end() && inject->second == "true") || Has(labels, kRevisionLabel);
}

// Keeps the last of each run of equal keys; `items` must be stably sorted by the key.
template <typename T, typename Key>
void KeepLast(std::vector<T>& items, Key key) {
  std::stable_sort(items.begin(), items.end(),
                   [&](const T& a, const T& b) { return key(a) < key(b); });
  std::vector<T> kept;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i + 1 < items.size() && key(items[i]) == key(items[i + 1])) continue;
    kept.push_back(std::move(items[i]));
  }
  items = std::move(kept);
}

template <typename T>
void SortUnique(std::vector<T>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

const auto kByName = [](const auto& object) { return std::tie(object.ns, object.name); };

// Workload that owns the pod: of its namespace, template labels within the pod's, longest name that
// the pod's or its owner's name begins with. nullptr for a bare pod.
KubeWorkload* OwnerOf(const KubePod& pod, const std::vector<KubeWorkload*>& candidates) {
  KubeWorkload* best = nullptr;
  for (KubeWorkload* workload : candidates) {
    if (workload->labels.empty() || !Selects(workload->labels, pod.labels)) continue;
    const std::string& name = pod.owner.empty() ? pod.name : pod.owner;
    if (!name.starts_with(workload->name)) continue;
    if (best == nullptr || workload->name.size() > best->name.size()) best = workload;
  }
  return best;
}

void FoldPods(KubeCluster& cluster) {
  std::map<std::string, Locality> node_places;
  for (const KubeNode& node : cluster.nodes) node_places[node.name] = node.locality;
  std::map<std::string, std::vector<KubeWorkload*>> by_ns;
  for (KubeWorkload& workload : cluster.workloads) by_ns[workload.ns].push_back(&workload);

  std::set<const KubeWorkload*> counted;
  std::deque<KubeWorkload> bare;  // pointers into it stay valid
  for (const KubePod& pod : cluster.pods) {
    KubeWorkload* owner = OwnerOf(pod, by_ns[pod.ns]);
    if (owner == nullptr) {
      bare.push_back({.ns = pod.ns,
                      .name = pod.name,
                      .kind = "Pod",
                      .labels = pod.labels,
                      .service_account = pod.service_account,
                      .replicas = 1,
                      .ready = 0,
                      .sidecar = pod.sidecar,
                      .addresses = {},
                      .localities = {},
                      .ready_in = {},
                      .port_names = pod.port_names,
                      .span = pod.span});
      owner = &bare.back();
    } else if (counted.insert(owner).second) {
      owner->ready = 0;
    }
    if (pod.ready) ++owner->ready;
    if (!pod.address.empty()) owner->addresses.push_back(pod.address);
    const auto place = node_places.find(pod.node);
    if (place == node_places.end()) continue;
    owner->localities.push_back(place->second);
    if (pod.ready) ++owner->ready_in[place->second];
  }
  cluster.workloads.insert(cluster.workloads.end(), bare.begin(), bare.end());
}

// Endpoint addresses fill in for pods that were not dumped.
void FoldEndpoints(KubeCluster& cluster) {
  std::map<std::pair<std::string, std::string>, const KubeService*> services;
  for (const KubeService& service : cluster.services) {
    services[{service.ns, service.name}] = &service;
  }
  std::map<KubeWorkload*, std::map<std::string, bool>> found;
  for (const KubeEndpoint& endpoint : cluster.endpoints) {
    const auto service = services.find({endpoint.ns, endpoint.service});
    if (service == services.end() || service->second->selector.empty()) continue;
    std::vector<KubeWorkload*> selected;
    for (KubeWorkload& workload : cluster.workloads) {
      if (workload.ns != endpoint.ns || workload.kind == "Pod") continue;
      if (Selects(service->second->selector, workload.labels)) selected.push_back(&workload);
    }
    KubeWorkload* owner = selected.size() == 1 ? selected.front() : nullptr;
    for (KubeWorkload* workload : selected) {
      if (!endpoint.pod.empty() && endpoint.pod.starts_with(workload->name + "-")) owner = workload;
    }
    if (owner == nullptr || (owner->addresses.size() > 0 && !found.contains(owner))) continue;
    found[owner][endpoint.address] = endpoint.ready;
  }
  for (auto& [workload, addresses] : found) {
    workload->ready = 0;
    workload->addresses.clear();
    for (const auto& [address, ready] : addresses) {
      workload->addresses.push_back(address);
      workload->ready += ready ? 1 : 0;
    }
  }
}

// Which workloads have no sidecar. A dump tells by namespace labels, or, where no namespace carries
// one, by workloads of a namespace that opt in one by one; a dump without any such label is taken
// as all in the mesh.
void DecideSidecars(KubeCluster& cluster) {
  const auto labelled = [](const KubeNamespace& ns) {
    return Has(ns.labels, kNamespaceLabel) || Has(ns.labels, kRevisionLabel);
  };
  const bool informed = std::any_of(cluster.namespaces.begin(), cluster.namespaces.end(), labelled);
  std::map<std::string, bool> injected;
  std::set<std::string> opting_in;
  for (const KubeNamespace& ns : cluster.namespaces) {
    const auto label = ns.labels.find(std::string(kNamespaceLabel));
    injected[ns.name] =
        Has(ns.labels, kRevisionLabel) || (label != ns.labels.end() && label->second == "enabled");
  }
  for (const KubeWorkload& workload : cluster.workloads) {
    if (OptsIn(workload.labels)) opting_in.insert(workload.ns);
  }
  for (KubeWorkload& workload : cluster.workloads) {
    if (!workload.sidecar || OptsIn(workload.labels)) continue;
    workload.sidecar = informed ? injected[workload.ns] : !opting_in.contains(workload.ns);
  }
}

// Accounts by namespace, as far as installations name them after a gateway.
std::map<std::string, std::vector<std::string>> GatewayAccounts(const KubeCluster& cluster) {
  std::map<std::string, std::vector<std::string>> accounts;
  for (const auto& [ns, name] : cluster.service_accounts) {
    if (name.ends_with("-service-account")) accounts[ns].push_back(name);
  }
  return accounts;
}

// Gateways that a dump shows only as a Service and an account, without what runs them.
void AddUnseenGateways(KubeCluster& cluster) {
  const auto accounts = GatewayAccounts(cluster);
  std::vector<KubeWorkload> unseen;
  for (const KubeService& service : cluster.services) {
    const auto at = accounts.find(service.ns);
    if (at == accounts.end() || service.selector.empty()) continue;
    const auto account =
        std::find_if(at->second.begin(), at->second.end(),
                     [&](const std::string& name) { return name.starts_with(service.name + "-"); });
    const bool seen =
        std::any_of(cluster.workloads.begin(), cluster.workloads.end(),
                    [&](const KubeWorkload& workload) {
                      return workload.ns == service.ns &&
                             Selects(service.selector, workload.labels);
                    }) ||
        std::any_of(cluster.endpoints.begin(), cluster.endpoints.end(),
                    [&](const KubeEndpoint& endpoint) {
                      return endpoint.ns == service.ns && endpoint.service == service.name;
                    });
    if (account == at->second.end() || seen) continue;
    unseen.push_back({.ns = service.ns,
                      .name = service.name,
                      .kind = "Deployment",
                      .labels = service.selector,
                      .service_account = *account,
                      .addresses = {},
                      .localities = {},
                      .port_names = {},
                      .span = service.span});
  }
  cluster.workloads.insert(cluster.workloads.end(), unseen.begin(), unseen.end());
}

void ResolveTargetPorts(KubeCluster& cluster) {
  for (KubeService& service : cluster.services) {
    for (KubePort& port : service.ports) {
      if (port.target_name.empty()) continue;
      for (const KubeWorkload& workload : cluster.workloads) {
        if (workload.ns != service.ns || !Selects(service.selector, workload.labels)) continue;
        const auto number = workload.port_names.find(port.target_name);
        if (number != workload.port_names.end()) port.target = number->second;
      }
    }
  }
}

Locality MostFrequent(const std::vector<KubeNode>& nodes) {
  std::map<Locality, int> counts;
  for (const KubeNode& node : nodes) ++counts[node.locality];
  Locality best;
  int most = 0;
  for (const auto& [place, count] : counts) {
    if (count <= most) continue;
    most = count;
    best = place;
  }
  return best;
}

void AddImpliedNamespaces(KubeCluster& cluster) {
  std::set<std::string> names;
  for (const KubeNamespace& ns : cluster.namespaces) names.insert(ns.name);
  const auto add = [&](const std::string& name) {
    if (!name.empty() && names.insert(name).second) cluster.namespaces.push_back({name, {}});
  };
  for (const KubeService& service : cluster.services) add(service.ns);
  for (const KubeWorkload& workload : cluster.workloads) add(workload.ns);
  for (const KubePod& pod : cluster.pods) add(pod.ns);
  for (const auto& [ns, name] : cluster.service_accounts) add(ns);
}

}  // namespace

bool Selects(const Labels& selector, const Labels& labels) {
  return std::all_of(selector.begin(), selector.end(), [&](const auto& entry) {
    const auto at = labels.find(entry.first);
    return at != labels.end() && at->second == entry.second;
  });
}

const KubeCluster* Inventory::Find(const std::string& cluster) const {
  for (const KubeCluster& candidate : clusters) {
    if (candidate.name == cluster) return &candidate;
  }
  return nullptr;
}

void FinishInventory(Inventory& inventory) {
  std::sort(inventory.clusters.begin(), inventory.clusters.end(),
            [](const KubeCluster& a, const KubeCluster& b) { return a.name < b.name; });
  for (KubeCluster& cluster : inventory.clusters) {
    KeepLast(cluster.services, kByName);
    KeepLast(cluster.workloads, kByName);
    KeepLast(cluster.pods, kByName);
    KeepLast(cluster.nodes, [](const KubeNode& node) { return std::tie(node.name); });
    AddImpliedNamespaces(cluster);
    KeepLast(cluster.namespaces, [](const KubeNamespace& ns) { return std::tie(ns.name); });
    FoldPods(cluster);
    FoldEndpoints(cluster);
    DecideSidecars(cluster);
    AddUnseenGateways(cluster);
    std::sort(cluster.workloads.begin(), cluster.workloads.end(),
              [](const auto& a, const auto& b) { return kByName(a) < kByName(b); });
    ResolveTargetPorts(cluster);
    for (KubeWorkload& workload : cluster.workloads) {
      cluster.service_accounts.emplace_back(workload.ns, workload.service_account);
      SortUnique(workload.addresses);
      SortUnique(workload.localities);
    }
    SortUnique(cluster.service_accounts);
    SortUnique(cluster.secrets);
    cluster.locality = MostFrequent(cluster.nodes);
  }
}

}  // namespace weft::engine
