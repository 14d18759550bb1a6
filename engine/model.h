// The Model: what a policy means for a given inventory. Everything after lowering works on this and
// on nothing else: the evaluators, the proofs, the emission. Names are resolved to ids, templates
// and delegation are expanded, defaults are filled in; spans say which line each fact came from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dsl/span.h"
#include "engine/condition.h"
#include "engine/guard.h"
#include "engine/ids.h"
#include "engine/inventory.h"
#include "engine/law.h"
#include "engine/route_rule.h"
#include "engine/traffic_policy.h"

namespace weft::engine {

enum class PathNormalization { kNone, kBase, kMergeSlashes, kDecodeAndMergeSlashes };

struct EastWestGateway {  // how other networks reach a cluster
  std::string address;    // IP or DNS name
  std::uint16_t port = 15443;
};

struct Cluster {
  std::string name;
  std::string trust_domain;    // never empty
  bool trust_assumed = false;  // neither declared nor discovered: the cluster's name
  std::string network;         // never empty
  std::string domain = "cluster.local";
  Locality locality;                       // declared, else that of most of its nodes
  std::vector<EastWestGateway> east_west;  // sorted; empty = not reachable from other networks
  Labels east_west_selector;               // labels of the pods of its east-west gateway
  std::string east_west_ns;                // where they run; "" unknown
  bool discovered = false;                 // an inventory was given for it
  Span span;
};

struct Workspace;

// A workload of some cluster; callers and servers.
struct Workload {
  ClusterId cluster;
  WorkspaceId workspace;  // none: its namespace belongs to nobody
  std::string ns;
  std::string name;
  std::string account;
  Labels labels;
  std::vector<Locality> localities;
  std::map<Locality, std::int64_t> ready_in;  // where it is known of ready pods
  std::vector<std::string> addresses;
  std::int64_t ready = 1;
  bool sidecar = true;  // without one: speaks plaintext, enforces nothing
  Span span;
};

// What a workspace shares; resolved exports, intersected with the importer's imports.
struct Grant {
  WorkspaceId to;
  Span span;  // the export's line
  auto operator<=>(const Grant&) const = default;
};

struct Workspace {
  std::string name;
  std::set<std::pair<ClusterId, std::string>> namespaces;
  bool isolated = false;
  std::optional<MtlsMode> mtls;  // given, or strict when isolated
  Span mtls_span;
  bool trim = false;  // proxies see only own and imported hosts
  std::vector<std::string> trim_to;
  std::vector<std::pair<WorkspaceId, Span>> exports_to;  // workspaces it exports anything to
  bool has_imports = false;
  Span span;
  Span isolate_span;  // of the `isolate` item; unknown when not isolated
  Span open_span;     // of `isolate off`; unknown without
};

// ---- services, destinations, externals --------------------------------------------------------

struct ServicePort {
  std::string name;
  std::uint16_t number = 0;
  std::uint16_t target = 0;  // port of the workload
  PortProtocol protocol = PortProtocol::kHttp;
  [[nodiscard]] bool IsHttp() const {
    return protocol == PortProtocol::kHttp || protocol == PortProtocol::kHttp2 ||
           protocol == PortProtocol::kGrpc;
  }
};
struct Subset {
  std::string name;
  Labels labels;
  DestinationPolicy policy;
  Span span;
};
struct Residency {
  std::string mark;
  std::vector<std::string> regions;
  Span span;
};
struct Call {
  ServiceId callee;
  std::optional<Millis> within;
  Span span;
};

// A service as it runs in one cluster.
struct ServiceInstance {
  ClusterId cluster;
  Labels selector;
  Labels labels;
  std::vector<ServicePort> ports;     // sorted by number
  std::vector<WorkloadId> workloads;  // selected, sorted
  std::string vip;                    // clusterIP or ""
};

// One service = one (namespace, name); namespaces of one name are one namespace across clusters.
// Declared or only discovered.
struct Service {
  std::string ns;
  std::string name;
  std::string declared_as;                 // name in the policy; "" when only discovered
  WorkspaceId workspace;                   // none: namespace without owner
  Labels labels;                           // declared labels plus those discovered
  std::vector<ServiceInstance> instances;  // sorted by cluster
  std::vector<Subset> subsets;
  std::vector<Grant> grants;  // workspaces it is shared with
  std::vector<Residency> residency;
  std::vector<Call> calls;
  DestinationPolicy policy;
  // What holds for callers of a workspace that it is shared with, where that workspace has a policy
  // of its own: `balance` and `connections` may differ from `policy`, all else is the same.
  std::map<WorkspaceId, DestinationPolicy> importers;
  Span span;  // declaration, else the inventory's object
  [[nodiscard]] const ServiceInstance* In(ClusterId cluster) const;
  [[nodiscard]] std::string Fqdn(const Cluster& cluster) const {
    return name + "." + ns + ".svc." + cluster.domain;
  }
};

struct ExternalEndpoint {
  std::string address;
  std::optional<std::uint16_t> port;
  Locality locality;
  Span span;
};
struct External {
  std::string name;
  WorkspaceId workspace;
  std::vector<std::string> hosts;  // may be wildcards "*.x"
  std::vector<std::string> addresses;
  struct Port {
    ServicePort port;
    std::optional<ClientTls> tls;
    bool via = false;  // requests to it pass the egress gateway
  };
  std::vector<Port> ports;
  std::vector<ExternalEndpoint> endpoints;
  GatewayId via;                   // egress gateway or none
  std::uint32_t via_listener = 0;  // which of its listeners takes these requests
  std::vector<Grant> grants;
  DestinationPolicy policy;
  std::map<WorkspaceId, DestinationPolicy> importers;  // as in Service
  Labels labels;
  Span span;
};

struct Backing {
  ServiceId service;
  ClusterId cluster;
  Span span;
};
// A virtual host backed by services of several clusters.
struct Destination {
  std::string name;
  WorkspaceId workspace;
  std::vector<std::string> hosts;  // lower case
  std::vector<Backing> backings;   // sorted by cluster, service
  std::vector<ExternalId> externals;
  std::vector<ServicePort> ports;
  bool terminate_tls = false;  // client tls-termination
  std::vector<Grant> grants;
  std::vector<Residency> residency;  // its own and those of its backing services
  DestinationPolicy policy;
  std::map<WorkspaceId, DestinationPolicy> importers;  // as in Service
  Labels labels;
  Span span;
};

// ---- gateways and routes ----------------------------------------------------------------------

enum class TlsMode { kSimple, kMutual, kPassthrough, kAutoPassthrough, kIstioMutual };
enum class TlsVersion { kTls10, kTls11, kTls12, kTls13 };
struct Listener {
  std::uint16_t port = 0;
  PortProtocol protocol = PortProtocol::kHttp;
  std::vector<std::string> hosts;  // lower case; empty = any
  std::optional<TlsMode> tls;      // none: clear text
  std::string certificate, ca;     // secret names
  std::vector<std::string> sans;
  std::optional<TlsVersion> min_version, max_version;
  bool redirect_https = false;
  Span span;
};
struct Accept {
  std::vector<WorkspaceId> from;
  bool all = false;
  std::vector<std::string> hosts;
  Span span;
};
// What connections of a gateway's listeners are like.
struct ListenerSettings {
  std::optional<std::uint16_t> port;  // absent: of every listener
  std::optional<std::int64_t> buffer_bytes;
  std::optional<bool> proxy_protocol;
  std::optional<Millis> keepalive, keepalive_interval;
  std::optional<std::int64_t> keepalive_probes;
  Span span;
};
struct Gateway {
  std::string name;
  WorkspaceId workspace;
  std::string ns;  // where its workloads run
  Labels selector;
  std::vector<ClusterId> clusters;  // where it has workloads (or is declared `on`)
  std::vector<WorkloadId> workloads;
  std::vector<Listener> listeners;
  std::vector<Accept> accepts;
  std::vector<ListenerSettings> settings;
  Span span;
};

enum class OnInvalid { kReplace, kFreeze };
// A route table with hosts: rules in order, first match wins. Children are already merged in.
struct Table {
  std::string name;
  WorkspaceId workspace;
  std::vector<std::string> hosts;  // lower case; "*.x" and "*" allowed
  std::vector<GatewayId> gateways;
  bool on_sidecars = false;
  std::optional<Labels> workloads;  // narrows on_sidecars; absent = all of owner and importers
  std::vector<WorkspaceId>
      sidecars_of;  // workspaces whose sidecars use it (owner and those it is shared with)
  std::vector<RouteRule> rules;
  std::vector<Grant> grants;
  OnInvalid on_invalid = OnInvalid::kReplace;
  std::int64_t weight = 0;  // order among siblings of a delegation, larger first
  Labels labels;
  bool root = true;  // false: only delegated to; has no hosts, its rules stand in its parents
  Span span;
};

// `log`: which requests the selected proxies log, with what.
struct AccessLog {
  struct Condition {
    enum class Compare { kEqual, kAtLeast, kAtMost };
    std::optional<Compare> compare;  // of the status
    std::int64_t status = 0;
    bool negated = false;  // of the header
    std::string header;
    std::vector<Pattern> patterns;
  };
  std::string name;  // of the policy
  WorkspaceId workspace;
  std::vector<WorkloadId> workloads;  // sorted
  std::vector<Condition> any_of;      // empty = every request
  std::vector<std::string> request_headers, response_headers, response_trailers, filter_state;
  Span span;
};

// A part of the policy that is typed and that nothing after the Model understands.
struct Unemitted {
  std::string what;
  Span span;
  bool beside = false;  // what it asks for is no Istio object in any case; the others are complete
};

// Istio objects that are emitted as they are. Nothing here knows what they do, so a proof they can
// touch names them.
struct RawObjects {
  WorkspaceId workspace;            // none: of the mesh
  std::vector<ClusterId> clusters;  // never empty
  std::string text;                 // YAML documents
  Span span;
};

struct Model {
  std::string mesh = "mesh";
  PathNormalization normalization = PathNormalization::kBase;
  std::string root_namespace = "istio-system";
  std::optional<MtlsMode> mtls;  // mesh-wide
  Span mtls_span;
  std::vector<Cluster> clusters;      // sorted by name
  std::vector<Workspace> workspaces;  // sorted by name
  std::vector<Workload> workloads;    // sorted by cluster, namespace, name
  std::vector<Service> services;      // sorted by namespace, name
  std::vector<External> externals;
  std::vector<Destination> destinations;
  std::vector<Gateway> gateways;
  std::vector<Table> tables;
  std::vector<AccessRule> access_rules;
  std::vector<Guard> guards;  // sorted by target kind, target, cluster
  std::vector<JwtProvider> jwts;
  std::vector<Authorizer> authorizers;
  std::vector<Limiter> limiters;
  std::vector<Limit> limits;
  std::vector<AccessLog> logs;
  std::vector<Law> laws;
  std::vector<Unemitted> unemitted;
  std::vector<RawObjects> raws;
  std::size_t rules = 0;  // routes rules + access clauses + limits, for summaries

  [[nodiscard]] const Cluster& operator[](ClusterId id) const { return clusters[id.index()]; }
  [[nodiscard]] const Workspace& operator[](WorkspaceId id) const { return workspaces[id.index()]; }
  [[nodiscard]] const Workload& operator[](WorkloadId id) const { return workloads[id.index()]; }
  [[nodiscard]] const Service& operator[](ServiceId id) const { return services[id.index()]; }
  [[nodiscard]] const Destination& operator[](DestinationId id) const {
    return destinations[id.index()];
  }
  [[nodiscard]] const External& operator[](ExternalId id) const { return externals[id.index()]; }
  [[nodiscard]] const Gateway& operator[](GatewayId id) const { return gateways[id.index()]; }
  [[nodiscard]] const Table& operator[](TableId id) const { return tables[id.index()]; }
  [[nodiscard]] const AccessRule& operator[](AccessRuleId id) const {
    return access_rules[id.index()];
  }
  [[nodiscard]] const JwtProvider& operator[](JwtId id) const { return jwts[id.index()]; }
  [[nodiscard]] const Authorizer& operator[](AuthorizerId id) const {
    return authorizers[id.index()];
  }
  [[nodiscard]] const Limiter& operator[](LimiterId id) const { return limiters[id.index()]; }
  [[nodiscard]] const Limit& operator[](LimitId id) const { return limits[id.index()]; }

  [[nodiscard]] ClusterId FindCluster(const std::string& name) const;  // none when absent
  [[nodiscard]] WorkspaceId FindWorkspace(const std::string& name) const;
  [[nodiscard]] ServiceId FindService(const std::string& ns, const std::string& name) const;
  // Workspace that owns the namespace in the cluster; none.
  [[nodiscard]] WorkspaceId OwnerOf(ClusterId cluster, const std::string& ns) const;
  // The guard of a service in a cluster (or of a gateway, a workload); nullptr = open.
  [[nodiscard]] const Guard* GuardOf(const std::variant<ServiceId, GatewayId, WorkloadId>& target,
                                     ClusterId cluster) const;
};

}  // namespace weft::engine
