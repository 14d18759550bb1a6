// `raw istio`: objects that are emitted as they are.
#pragma once

#include <vector>

#include "emit/emit.h"

namespace weft::emit {

// The objects of each of the Model's raw blocks. Those of Istio's own groups are held against what
// Istio's API takes (codes 5100-5199); anything else needs to be an object at all (5008).
[[nodiscard]] std::vector<std::vector<Object>> ReadRaws(const engine::Model& model,
                                                        Diagnostics& diagnostics);

// Adds those for the cluster, with weft's labels and annotations. Reports objects for a namespace
// of another workspace, and those that are there already (5008).
void AddRaws(const engine::Model& model, const std::vector<std::vector<Object>>& raws,
             engine::ClusterId cluster, const Options& options, Diagnostics& diagnostics,
             std::vector<Object>& objects);

}  // namespace weft::emit
