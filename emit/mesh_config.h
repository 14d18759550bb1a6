// What has to stand in MeshConfig beside the objects: a fragment for each cluster, to be merged
// into the installation's own (istio/api mesh/v1alpha1/config.proto).
#pragma once

#include <map>
#include <string>

#include "engine/model.h"

namespace weft::emit {

// YAML by cluster name; clusters that need nothing are absent. Byte-stable. Holds
// `extensionProviders`, one for each authorizer that servers of the cluster ask, named
// `weft-<authorizer>`.
[[nodiscard]] std::map<std::string, std::string> MeshConfigs(const engine::Model& model);

}  // namespace weft::emit
