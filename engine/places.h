// The regions and zones a mesh knows of: what may be lost.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/model.h"
#include "engine/request.h"

namespace weft::engine {

// Those of clusters as declared, of workloads as discovered, and of endpoints of external services.
struct Places {
  std::set<std::string> regions, zones;
};
[[nodiscard]] Places PlacesOf(const Model& model);

// Names of what a loss of the kind may take, in order; none for kNone.
[[nodiscard]] std::vector<std::string> NamesOf(const Model& model, LossKind kind);

// Adds the loss of one of those names to the request's.
void Lose(const Model& model, LossKind kind, const std::string& name, Request& request);

// Every loss of `at_once` (at least 1) different things of the kind, as requests that say no more;
// for kNone the one in which nothing is lost.
[[nodiscard]] std::vector<Request> LossesOf(const Model& model, LossKind kind, std::size_t at_once);

// Whether what stands in the place is lost under the request's losses.
[[nodiscard]] bool IsLost(const Request& request, ClusterId cluster, const Locality& locality);

// `cluster east and cluster west`; "" when nothing is lost.
[[nodiscard]] std::string LossText(const Model& model, const Request& request);

// `region`, `zone`, `cluster`; "" for kNone.
[[nodiscard]] std::string LossWord(LossKind kind);

}  // namespace weft::engine
