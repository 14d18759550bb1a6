// Host names: patterns, which table serves a host, which service a host names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model.h"

namespace weft::engine {

struct Request;

// Whether `pattern` ("a.b", "*.b", "*") admits `host`; both in lower case. "*.b" admits "a.b" and
// "x.a.b", not "b", as Envoy's virtual host domains do.
[[nodiscard]] bool HostMatches(std::string_view pattern, std::string_view host);

// Rank of a match; larger = more specific, as Envoy chooses: exact, then the longest wildcard
// suffix, then "*". 0 = no match.
[[nodiscard]] std::size_t HostRank(std::string_view pattern, std::string_view host);

// The most specific of `patterns` that admits `host`; nullopt when none does.
[[nodiscard]] std::optional<std::string> BestHost(const std::vector<std::string>& patterns,
                                                  std::string_view host);

// The listener of the gateway that takes the connection: port, TLS or not, and for TLS the name the
// client asks for. In clear text the port alone decides; a host that none of its listeners has is
// found out by the routes. nullptr = none.
[[nodiscard]] const Listener* ListenerFor(const Gateway& gateway, const Request& request);

// Root tables bound to the gateway that serve `host` most specifically, in Model order.
[[nodiscard]] std::vector<const Table*> TablesAtGateway(const Model& model, GatewayId gateway,
                                                        std::string_view host);

// Root tables for sidecars with a host that names the target, called as `host`: which of them apply
// depends on who calls.
[[nodiscard]] std::vector<const Table*> SidecarTablesNaming(const Model& model,
                                                            const TargetRef& target,
                                                            std::string_view host);

// Root tables that apply at the sidecar of `source` for requests to `target` called as `host`.
[[nodiscard]] std::vector<const Table*> TablesAtSidecar(const Model& model, WorkloadId source,
                                                        const TargetRef& target,
                                                        std::string_view host);

// Whether some rule of the tables is for the layer. Without one, requests of that layer go their
// usual way: an HTTP route says nothing about the TCP ports of its host.
[[nodiscard]] bool HasLayer(const std::vector<const Table*>& tables, Layer layer);

// The names tables use for a target: FQDN of a service, the hosts of a destination or external.
[[nodiscard]] std::vector<std::string> HostsOf(const Model& model, const TargetRef& target);

// What a client in namespace `ns` of `cluster` reaches under `host`: `name`, `name.ns`,
// `name.ns.svc` and the FQDN of services as Kubernetes DNS resolves them, hosts of destinations and
// externals (wildcards too). nullopt = unknown to the mesh.
[[nodiscard]] std::optional<TargetRef> ResolveHost(const Model& model, std::string_view host,
                                                   std::string_view ns, ClusterId cluster);

}  // namespace weft::engine
