#include "engine/places.h"

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

void Lose(const Model& model, LossKind kind, const std::string& name, Request& request) {
  if (kind == LossKind::kCluster) request.lost_clusters.insert(model.FindCluster(name));
  if (kind == LossKind::kRegion) request.lost_regions.insert(name);
  if (kind == LossKind::kZone) request.lost_zones.insert(name);
}

std::vector<Request> LossesOf(const Model& model, LossKind kind, std::size_t at_once) {
  if (kind == LossKind::kNone) return {Request{}};
  const std::vector<std::string> names = NamesOf(model, kind);
  std::vector<Request> losses;
  // `chosen`: indices of the names, ascending.
  std::vector<std::size_t> chosen;
  const auto choose = [&](const auto& self, std::size_t from) -> void {
    if (chosen.size() == at_once) {
      Request& request = losses.emplace_back();
      for (const std::size_t i : chosen) Lose(model, kind, names[i], request);
      return;
    }
    for (std::size_t i = from; i < names.size(); ++i) {
      chosen.push_back(i);
      self(self, i + 1);
      chosen.pop_back();
    }
  };
  choose(choose, 0);
  return losses;
}

bool IsLost(const Request& request, ClusterId cluster, const Locality& locality) {
  return request.lost_clusters.contains(cluster) ||
         request.lost_regions.contains(locality.region) ||
         request.lost_zones.contains(locality.zone);
}

std::string LossText(const Model& model, const Request& request) {
  std::string text;
  const auto add = [&](const std::string& word, const std::string& name) {
    text += (text.empty() ? "" : " and ") + word + " `" + name + "`";
  };
  for (const ClusterId id : request.lost_clusters) add("cluster", model[id].name);
  for (const std::string& region : request.lost_regions) add("region", region);
  for (const std::string& zone : request.lost_zones) add("zone", zone);
  return text;
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
