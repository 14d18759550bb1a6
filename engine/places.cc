#include "engine/places.h"

#include <algorithm>

namespace weft::engine {

Places PlacesOf(const Model& model) {
  Places places;
  const auto add = [&](const Locality& locality) {
    if (!locality.region.empty()) places.regions.insert(locality.region);
    if (!locality.zone.empty()) places.zones.insert(locality.zone);
  };
  for (const Cluster& cluster : model.clusters) add(cluster.locality);
  for (const Workload& workload : model.workloads) {
    for (const Locality& locality : workload.localities) add(locality);
  }
  for (const External& external : model.externals) {
    for (const ExternalEndpoint& endpoint : external.endpoints) add(endpoint.locality);
  }
  return places;
}

std::vector<std::string> NamesOf(const Model& model, LossKind kind) {
  std::vector<std::string> names;
  const Places places = PlacesOf(model);
  switch (kind) {
    case LossKind::kNone:
      break;
    case LossKind::kCluster:
      for (const Cluster& cluster : model.clusters) names.push_back(cluster.name);
      break;
    case LossKind::kRegion:
      names.assign(places.regions.begin(), places.regions.end());
      break;
    case LossKind::kZone:
      names.assign(places.zones.begin(), places.zones.end());
      break;
  }
  return names;
}

std::string LossWord(LossKind kind) {
  switch (kind) {
    case LossKind::kNone:
      break;
    case LossKind::kCluster:
      return "cluster";
    case LossKind::kRegion:
      return "region";
    case LossKind::kZone:
      return "zone";
  }
  return "";
}

}  // namespace weft::engine
