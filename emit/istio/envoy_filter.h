// networking.istio.io/v1alpha3 EnvoyFilter; istio/api networking/v1alpha3/envoy_filter.proto
//
// Used only for what Istio has no object for. A patch of routes matches a route by a name that weft
// itself gives it, which contains a digest of what the patch says: such a patch is never edited,
// only made before the first route that has the name and removed after the last.
#pragma once

#include <string>

#include "emit/istio/emitter.h"

namespace weft::emit::istio {

enum class PatchContext { kInbound, kGateway };

// A patch that puts an HTTP filter in front of the router, or in front of everything.
[[nodiscard]] Value InsertFilter(PatchContext context, bool first, const std::string& name,
                                 Value typed_config);
// A patch that merges `value` into virtual hosts: of the service port at a server, all at a
// gateway.
[[nodiscard]] Value MergeIntoHosts(PatchContext context, std::uint16_t port, Value value);
// A patch that merges `value` into routes of the name.
[[nodiscard]] Value MergeIntoRoutes(PatchContext context, const std::string& name, Value value);

// Adds the EnvoyFilter for the workloads of the attachment.
Object& AddEnvoyFilter(Emitter& e, const Attachment& attachment, const std::string& suffix,
                       Span span, Value patches);

// The route's own settings of filters at a gateway, and the name they give the route; "" = none.
struct RouteFilters {
  std::string name;
  Value patch;  // merged into the route
};
[[nodiscard]] RouteFilters RouteFiltersOf(Emitter& e, const engine::RouteRule& rule);

void EmitRouteFilters(Emitter& e);

}  // namespace weft::emit::istio
