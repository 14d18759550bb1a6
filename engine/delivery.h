// From a chosen target to the backends that get the request: locality tiers and what servers say.
#pragma once

#include <optional>
#include <vector>

#include "engine/request.h"

namespace weft::engine {

// Where the proxy that sends the request runs and as whom.
struct Sender {
  ClusterId cluster;
  Locality locality;
  std::optional<Identity> identity;  // presented to servers under automatic mTLS
  GatewayId gateway{};               // the sender is a proxy of this gateway
  bool proxied = true;               // false: sent around the proxy, or by a workload without one
};

[[nodiscard]] Sender SidecarSender(const Model& model, WorkloadId source, ClusterId cluster,
                                   std::optional<Identity> identity);
[[nodiscard]] Sender GatewaySender(const Model& model, GatewayId gateway, ClusterId cluster);

[[nodiscard]] const DestinationPolicy& PolicyOf(const Model& model, const TargetRef& target);

// Whether calls get from one cluster to the other: within it, over a shared network, or by an
// east-west gateway of the other.
[[nodiscard]] bool IsConnected(const Model& model, ClusterId from, ClusterId to);

// The ports of the target as seen from the cluster; none when a service does not run there.
[[nodiscard]] std::vector<ServicePort> ServicePortsOf(const Model& model, const TargetRef& target,
                                                      ClusterId cluster);

// The port of the target that a rule without one means: the requested one at a sidecar, the only
// one (or the only HTTP one) at a gateway.
[[nodiscard]] std::uint16_t PortOf(const Model& model, const Forward& forward,
                                   const Request& request, ClusterId cluster);

// Service port of the backend for port `port` of the target: the same number where the backing has
// it, else the port with the destination port's target.
[[nodiscard]] std::uint16_t BackendPort(const Model& model, const TargetRef& target,
                                        const Backend& backend, std::uint16_t port);

// Whether proxies of the workspace know the target. A workspace that trims its proxies knows what
// it owns and what is shared with it. Destinations and external services of an isolated workspace
// are known to it, to those they are shared with, and to gateways.
[[nodiscard]] bool IsVisible(const Model& model, WorkspaceId from, const TargetRef& target);

// Whether proxies of the workspace let a connection to the target go: they know it, or it is an
// external service with an address of its own, to which proxies that are not trimmed pass on what
// they do not know (Istio: outboundTrafficPolicy ALLOW_ANY). No route of theirs changes it then.
[[nodiscard]] bool Reaches(const Model& model, WorkspaceId from, const TargetRef& target);

// Whether proxies of the workspace listen for HTTP on the port: they know something that has it. A
// trimmed one answers there for hosts it does not know, and refuses connections to other ports.
[[nodiscard]] bool ListensForHttp(const Model& model, WorkspaceId from, ClusterId cluster,
                                  std::uint16_t port);

// Whether the target has the port, seen from the cluster.
[[nodiscard]] bool HasPort(const Model& model, const TargetRef& target, ClusterId cluster,
                           std::uint16_t port);

// The egress gateway that requests to the port of the target pass on their way from the sender;
// none when nothing stands there, or the sender is that gateway or goes around its proxy.
[[nodiscard]] GatewayId EgressBefore(const Model& model, const TargetRef& target,
                                     std::uint16_t port, const Sender& sender);

// Who looks at a request on its way from the sender to a backend of the target.
struct Checkpoint {
  const Guard* guard = nullptr;  // nullptr: nobody
  std::uint16_t port = 0;        // as the guard sees it
  bool identified = true;        // the guard sees who the sender is
  bool reached = true;           // false: the egress gateway does not run in the sender's cluster
};
[[nodiscard]] Checkpoint CheckpointOf(const Model& model, const TargetRef& target,
                                      const Backend& backend, std::uint16_t port,
                                      const Sender& sender);

// The guard the backend's proxies enforce; nullptr when there is none, or no proxy.
[[nodiscard]] const Guard* EnforcedGuard(const Model& model, const Backend& backend);

// Endpoints of `target` that are ready under the request's losses and reachable from the sender,
// most preferred tier first. A service has the endpoints of the sender's own cluster only; a
// destination has those of its backings: own cluster, same network, or behind an east-west gateway.
[[nodiscard]] std::vector<Tier> TiersOf(const Model& model, const TargetRef& target,
                                        const std::string& subset, const Sender& sender,
                                        const Request& request);

// How many ready endpoints those tiers have together. Endpoints of an external service count as one
// each, and one without endpoints of its own as one.
[[nodiscard]] std::int64_t ReplicasOf(const Model& model, const TargetRef& target,
                                      const Sender& sender, const Request& request);

// Sends `request` (as it leaves the proxy: path, host and headers rewritten) to one weighted
// target. `port` is the service port.
[[nodiscard]] Branch Deliver(const Model& model, const Forward& forward, std::uint16_t port,
                             const Sender& sender, const Request& request,
                             std::vector<Span>& rules);

}  // namespace weft::engine
