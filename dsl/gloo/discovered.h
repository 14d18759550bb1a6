// What runs in the clusters, as far as Gloo objects can only be understood with it: labels of
// namespaces (which workspace owns them), names of ports, services that are federated.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weft::gloo {

struct DiscoveredService {
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> selector;
  std::vector<std::pair<std::string, std::uint16_t>> ports;  // name, number
};

struct DiscoveredCluster {
  std::map<std::string, std::map<std::string, std::string>> namespaces;       // labels by name
  std::map<std::pair<std::string, std::string>, DiscoveredService> services;  // by (ns, name)
};

struct Discovered {
  std::map<std::string, DiscoveredCluster> clusters;
};

}  // namespace weft::gloo
