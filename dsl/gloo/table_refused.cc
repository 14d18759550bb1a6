// Kinds that weft knows and does not read.
#include "dsl/gloo/tables.h"

namespace weft::gloo {

const std::string_view kRefusedTable = R"(
refused admin.gloo.solo.io/v2 Dashboard !! settings of the original's user interface; weft's own server has its own sign-in
refused admin.gloo.solo.io/v2alpha1 InsightsConfig !! settings of the original's user interface; weft reports findings in `weft verify`
refused admin.gloo.solo.io/v2alpha1 WaypointLifecycleManager !! ambient waypoints; weft writes policy for sidecars and gateways
refused apimanagement.gloo.solo.io/v2 ApiDoc !! API portals are outside of weft; keep the portal's objects with the portal
refused apimanagement.gloo.solo.io/v2 ApiProduct !! API portals are outside of weft; keep the portal's objects with the portal
refused apimanagement.gloo.solo.io/v2 ApiSchemaDiscovery !! API portals are outside of weft; keep the portal's objects with the portal
refused apimanagement.gloo.solo.io/v2 GraphQLSchema !! GraphQL is outside of weft; run a GraphQL server and route to it
refused apimanagement.gloo.solo.io/v2 GraphQLResolverMap !! GraphQL is outside of weft; run a GraphQL server and route to it
refused apimanagement.gloo.solo.io/v2 GraphQLStitchedSchema !! GraphQL is outside of weft; run a GraphQL server and route to it
refused apimanagement.gloo.solo.io/v2 Portal !! API portals are outside of weft; keep the portal's objects with the portal
refused apimanagement.gloo.solo.io/v2 PortalGroup !! API portals are outside of weft; keep the portal's objects with the portal
refused infrastructure.gloo.solo.io/v2 CloudProvider !! cloud functions are outside of weft; reach the function as an ExternalService of its URL
refused infrastructure.gloo.solo.io/v2 CloudResources !! cloud functions are outside of weft; reach the function as an ExternalService of its URL
refused networking.gloo.solo.io/v2 CloudProvider !! cloud functions are outside of weft; reach the function as an ExternalService of its URL
refused networking.gloo.solo.io/v2 CloudResources !! cloud functions are outside of weft; reach the function as an ExternalService of its URL
refused internal.gloo.solo.io/* * !! written by the original system, not by people; weft makes what it needs itself, leave the object out
refused extauth.solo.io/v1 AuthConfig !! an object of another product; put the configuration into an ExtAuthPolicy
refused ratelimit.solo.io/v1alpha1 RateLimitConfig !! an object of another product; use RateLimitServerConfig and RateLimitClientConfig
refused install.istio.io/v1alpha1 IstioOperator !! an installation of Istio, which weft does not make
refused networking.mesh.gloo.solo.io/* * !! version 1 of the original's API, which nothing serves any more; use the v2 kind: Workspace, AccessPolicy, RouteTable or VirtualDestination
refused settings.mesh.gloo.solo.io/* * !! version 1 of the original's API, which nothing serves any more; use WorkspaceSettings
refused discovery.mesh.gloo.solo.io/* * !! version 1 of the original's API, which nothing serves any more; weft discovers from the inventory
refused observability.enterprise.mesh.gloo.solo.io/* * !! version 1 of the original's API, which nothing serves any more; use AccessLogPolicy
refused networking.enterprise.mesh.gloo.solo.io/* * !! version 1 of the original's API, which nothing serves any more; use VirtualDestination, VirtualGateway and RouteTable
refused rbac.enterprise.mesh.gloo.solo.io/* * !! version 1 of the original's API, which nothing serves any more; use the rights of the policy's repository
refused multicluster.solo.io/* * !! version 1 of the original's API, which nothing serves any more; use KubernetesCluster of admin.gloo.solo.io/v2
)";

}  // namespace weft::gloo
