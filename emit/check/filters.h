// What EnvoyFilters and CUSTOM policies put into a proxy's way: external authorization and limits,
// as Envoy's ext_authz, ratelimit and local_ratelimit filters and github.com/envoyproxy/ratelimit
// are documented. What the services behind them say is part of the request.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "emit/check/authorization.h"
#include "emit/check/server.h"

namespace weft::emit::check {

// Patches that apply to a proxy, by the priority of their objects, then in their order.
struct Patches {
  std::vector<const yaml::Node*> filters;  // HTTP_FILTER
  std::vector<const yaml::Node*> hosts;    // VIRTUAL_HOST that holds the request
  std::vector<const yaml::Node*> routes;   // HTTP_ROUTE of the route's name
};
[[nodiscard]] Patches PatchesFor(const Mesh& mesh, const Proxy& proxy, std::uint16_t port);

// The narrowest setting of a filter; nullptr = none.
[[nodiscard]] const yaml::Node* PerRoute(const Patches& patches, const std::string& filter);

// Whether a filter counts the request against a limit that is exhausted; `first`: the filters in
// front of all others, else those in front of the router.
[[nodiscard]] std::optional<Refusal> AskLimits(const Mesh& mesh, const Proxy& proxy,
                                               const Patches& patches, bool first,
                                               const engine::Request& request,
                                               const std::optional<engine::Identity>& peer);

// Whether the settings of the route for Envoy's csrf and buffer filters refuse the request. A
// setting without its filter does nothing.
[[nodiscard]] std::optional<Refusal> AskContent(const Patches& patches,
                                                const engine::Request& request);

// The external authorizers that MeshConfig defines in a cluster, by name. One whose service is no
// authorizer of the world is not usable.
[[nodiscard]] std::map<std::string, Provider> ProvidersOf(const Mesh& mesh,
                                                          engine::ClusterId cluster);

// What the provider of MeshConfig that `name` names says of the request.
[[nodiscard]] std::optional<Refusal> AskProvider(const Mesh& mesh, const Proxy& proxy,
                                                 const Patches& patches, const std::string& name,
                                                 const engine::Request& request);

}  // namespace weft::emit::check
