// Objects as istiod decodes them.
#pragma once

#include <string>

#include "dsl/result.h"
#include "relay/core/object.h"
#include "relay/xds/stream.h"

namespace weft::relay::mcp {

// istio.mcp.v1alpha1.Resource for the object. Errors: a kind that istiod takes from no source but
// Kubernetes, a spec that is not of its kind.
[[nodiscard]] Result<std::string> EncodeResource(const Object& object);

// All objects. Errors: the first that cannot be encoded.
[[nodiscard]] Result<ContentPtr> EncodeContent(const Snapshot& objects);

}  // namespace weft::relay::mcp
