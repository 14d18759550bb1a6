// The regions and zones a mesh knows of: what may be lost.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/model.h"

namespace weft::engine {

// Those of clusters as declared, of workloads as discovered, and of endpoints of external services.
struct Places {
  std::set<std::string> regions, zones;
};
[[nodiscard]] Places PlacesOf(const Model& model);

// Names of what a loss of the kind may take, in order; none for kNone.
[[nodiscard]] std::vector<std::string> NamesOf(const Model& model, LossKind kind);

// `region`, `zone`, `cluster`; "" for kNone.
[[nodiscard]] std::string LossWord(LossKind kind);

}  // namespace weft::engine
