// The kinds of Kubernetes objects that the relay reads and writes, and where an API server has
// them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "relay/core/object.h"

namespace weft::relay::kube {

struct Resource {
  std::string api_version;  // "networking.istio.io/v1", "v1"
  std::string kind;
  std::string plural;  // as in paths
  bool namespaced = true;
  bool optional = false;  // of a CustomResourceDefinition: may not be installed
  std::string only_in;    // read in this namespace only; "" = everywhere
};

// What discovery reads: what policy depends on. Secrets are left out, because their names cannot be
// had without the right to read their contents.
[[nodiscard]] const std::vector<Resource>& DiscoveredResources();
// What delivery writes: the kinds weft emits.
[[nodiscard]] const std::vector<Resource>& WrittenResources();

// ObjectKey::kind of its objects.
[[nodiscard]] std::string KindOf(const Resource& resource);
// Path of the collection, of one namespace when `ns` is not empty.
[[nodiscard]] std::string CollectionPath(const Resource& resource, std::string_view ns);
[[nodiscard]] std::string ObjectPath(const Resource& resource, const ObjectKey& key);
// `text` for use in a path or a query (RFC 3986).
[[nodiscard]] std::string PercentEncoded(std::string_view text);

}  // namespace weft::relay::kube
