// What changes among the emitted objects of a cluster.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "emit/object.h"

namespace weft::emit {

struct ObjectChange {
  enum class Kind { kAdded, kChanged, kRemoved };
  Kind kind = Kind::kAdded;
  std::string object_kind, ns, name;
  std::string difference;  // kChanged: unified diff of the YAML; annotations are left out
};

using ClusterObjects = std::map<std::string, std::vector<Object>>;

// By cluster, in the order of emission; clusters without a change are left out. Annotations alone
// are no change: they say where an object comes from.
[[nodiscard]] std::map<std::string, std::vector<ObjectChange>> DiffObjects(
    const ClusterObjects& before, const ClusterObjects& after);

}  // namespace weft::emit
