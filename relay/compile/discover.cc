#include "relay/compile/discover.h"

namespace weft::relay {

gloo::Discovered Discover(const engine::Inventory& inventory) {
  gloo::Discovered discovered;
  for (const engine::KubeCluster& cluster : inventory.clusters) {
    gloo::DiscoveredCluster& facts = discovered.clusters[cluster.name];
    for (const engine::KubeNamespace& ns : cluster.namespaces)
      facts.namespaces[ns.name] = ns.labels;
    for (const engine::KubeService& service : cluster.services) {
      gloo::DiscoveredService& found = facts.services[{service.ns, service.name}];
      found.labels = service.labels;
      found.selector = service.selector;
      for (const engine::KubePort& port : service.ports) {
        found.ports.emplace_back(port.name, port.number);
      }
    }
  }
  return discovered;
}

}  // namespace weft::relay
