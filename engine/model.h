// The Model: what a policy means for a given inventory. Everything after lowering works on this and
// on nothing else: the evaluators, the proofs, the emission. Names are resolved to ids, templates
// and delegation are expanded, defaults are filled in; spans say which line each fact came from.
#pragma once

#include <chrono>
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
#include "engine/ids.h"
#include "engine/inventory.h"

namespace weft::engine {

using Millis = std::chrono::milliseconds;

enum class MtlsMode { kStrict, kPermissive, kDisable };
enum class PathNormalization { kNone, kBase, kMergeSlashes, kDecodeAndMergeSlashes };

struct EastWestGateway {  // how other networks reach a cluster
  std::string address;    // IP or DNS name
  std::uint16_t port = 15443;
};

struct Cluster {
  std::string name;
  std::string trust_domain;  // never empty
  std::string network;       // never empty
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
};

// ---- policies towards a destination -----------------------------------------------------------

struct ConnectionPool {
  std::optional<std::int64_t> max_connections, max_pending, max_requests, requests_per_connection,
      max_retries, keepalive_probes;
  std::optional<Millis> connect_timeout, idle_timeout, keepalive, keepalive_interval;
  auto operator<=>(const ConnectionPool&) const = default;
};
struct Outlier {
  std::int64_t errors = 5;
  bool gateway_errors = false;
  std::optional<std::int64_t> or_gateway_errors;
  Millis interval{10000};
  Millis base_time{30000};
  double max_share = 100;  // percent
  Span span;
};
struct LoadBalance {
  enum class Kind {
    kRoundRobin,
    kLeastRequest,
    kRandom,
    kPassthrough,
    kHashHeader,
    kHashCookie,
    kHashSourceIp,
    kHashQuery,
    kDefault  // Istio's choice
  };
  Kind kind = Kind::kRoundRobin;
  std::string key, cookie_path;
  std::optional<Millis> ttl;
  std::optional<Millis> warm_up;
  Span span;
};
struct ClientTls {
  enum class Mode { kOff, kSimple, kMutual, kIstioMutual };
  Mode mode = Mode::kIstioMutual;
  std::string sni, ca_secret, certificate_secret;
  std::vector<std::string> sans;
  bool skip_verify = false;
  Span span;
};
struct Failover {
  enum class Step { kSameZone, kSameRegion, kSameCluster, kSameNetwork, kAny };
  std::vector<Step> order;
  struct Mapping {
    std::string from, to;
    std::optional<double> weight;
  };
  std::vector<Mapping> mappings;  // regions
  Span span;
};
// Endpoints that fail the check get no requests (envoy.config.core.v3.HealthCheck).
struct HealthCheck {
  enum class Kind { kHttp, kTcp, kGrpc };
  Kind kind = Kind::kHttp;
  std::string method, path, service, host;
  std::map<std::string, std::string> headers;
  std::vector<std::pair<std::int64_t, std::int64_t>> statuses;  // first and last
  bool http2 = false;
  std::string send;
  std::vector<std::string> receive;
  std::string expects;
  Millis every{0}, within{0};
  std::int64_t healthy_after = 1, unhealthy_after = 2;
  std::optional<Millis> initial_jitter, jitter, idle_every, idle_healthy_every, unhealthy_every,
      first_unhealthy_every, first_healthy_every;
  std::optional<double> jitter_share;
  bool new_connections = false;
  std::string log;
  bool log_all = false;
  std::vector<GatewayId> gateways;  // that check; empty = every proxy that calls it
  Span span;
};
// As many requests at once as latency allows (envoy.extensions.filters.http.adaptive_concurrency).
struct AdaptConcurrency {
  Millis update_every{0}, measure_every{0};
  std::optional<std::int64_t> at_most, requests, floor, status;
  std::optional<double> percentile, jitter, slack;
  Span span;
};
struct DestinationPolicy {
  std::optional<ConnectionPool> connections;
  std::optional<Outlier> outlier;
  std::optional<LoadBalance> balance;
  std::optional<ClientTls> tls;
  std::optional<Failover> failover;
  std::optional<HealthCheck> health_check;
  std::optional<AdaptConcurrency> adapt;
  std::vector<Span> spans;  // of the items, in order
  // Nothing for a DestinationRule to say.
  [[nodiscard]] bool IsEmpty() const {
    return !connections && !outlier && !balance && !tls && !failover;
  }
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
  };
  std::vector<Port> ports;
  std::vector<ExternalEndpoint> endpoints;
  GatewayId via;  // egress gateway or none
  std::vector<Grant> grants;
  DestinationPolicy policy;
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

// Where a rule sends to.
using TargetRef = std::variant<ServiceId, DestinationId, ExternalId>;
struct Forward {
  TargetRef target;
  std::string subset;      // of a service; "" = all of it
  std::uint16_t port = 0;  // service port; 0 = the listener's or the only one
  double weight = 100;     // percent of the requests
  Span span;
};
struct Redirect {
  bool https = false;
  std::string host, path;
  std::optional<std::uint16_t> port;
  int code = 301;
};
struct Respond {
  int status = 200;
  std::string body;
};
using Action = std::variant<std::vector<Forward>, Redirect, Respond>;

struct HeaderOp {
  enum class Side { kRequest, kResponse };
  enum class Kind { kSet, kAdd, kRemove };
  Side side;
  Kind kind;
  std::string name, value;
  auto operator<=>(const HeaderOp&) const = default;
};
struct Retries {
  std::int64_t attempts = 2;
  std::optional<Millis> per_try;
  std::vector<std::string> on;
  bool across_localities = false;
  Span span;
};
struct FaultDelay {
  Millis delay{0};
  double share = 100;
  Span span;
};
struct FaultAbort {
  int status = 500;
  double share = 100;
  Span span;
};
struct Mirror {
  Forward to;
  double share = 100;
  Span span;
};
struct Cors {
  std::vector<Pattern> origins;
  std::vector<std::string> methods, headers, expose;
  std::optional<Millis> max_age;
  std::optional<bool> credentials;
  Span span;
};
struct Rewrite {
  std::optional<std::string> path, host, regex;
  Span span;
};
// `authorize by`: the provider is asked about the HTTP requests for which `when` holds.
struct ExternalAuthorization {
  AuthorizerId provider;
  std::string config;
  std::map<std::string, std::string> context;
  Condition when;
  Span span;
};
// `authenticate` of a route: tokens its requests carry. The token of the first provider that has a
// good one counts.
struct RouteAuthentication {
  std::vector<JwtId> providers;  // never empty
  bool optional = false;         // a request without any token passes
  bool tolerant = false;         // and one whose tokens are bad
  Condition require;             // of the claims; a conjunction of ClaimMatch for each provider
  bool before_authorization = false;
  Span span;
};
// Requests that change something come from the host they go to, or from one of the origins, which
// are hosts with a port where it is not the scheme's. `shadow` counts and lets pass.
struct Csrf {
  bool shadow = false;
  double share = 100;
  std::vector<Pattern> origins;
  Span span;
};
struct BodyLimit {
  std::int64_t bytes = 0;
  Span span;
};
// Lua code of a proxy; `before`: in front of everything else.
struct LuaCode {
  std::string text;
  bool before = true;
  Span span;
};
struct RouteModifiers {
  std::optional<Millis> timeout;  // 0 = none
  Span timeout_span;
  std::optional<Retries> retries;
  std::optional<FaultDelay> delay;
  std::optional<FaultAbort> abort;
  std::vector<Mirror> mirrors;
  std::vector<HeaderOp> headers;
  std::optional<Rewrite> rewrite;
  std::optional<Cors> cors;
  std::vector<LimitId> limits;
  std::vector<ExternalAuthorization> authorization;  // instead of the gateway's own
  bool without_authorization = false;                // the gateway's own is not asked
  std::optional<RouteAuthentication> authentication;
  std::optional<Csrf> csrf;
  std::optional<BodyLimit> body_limit;
  std::vector<LuaCode> code;
};

enum class Layer { kHttp, kTls, kTcp };
struct RouteRule {
  Layer layer = Layer::kHttp;
  std::string name;  // as given, else ""
  Labels labels;
  Condition match;  // delegation included: the conjunction of all levels
  Action action;
  Span action_span;
  RouteModifiers modifiers;
  TableId from;  // table whose text holds it (delegation)
  bool otherwise = false;
  Span span;
  std::vector<Span> via;  // delegating rules, outermost first
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

// ---- access -----------------------------------------------------------------------------------

struct AccessRule {
  enum class Effect { kAllow, kDeny };
  enum class Origin { kDeclared, kIsolation, kGrant };
  Effect effect = Effect::kAllow;
  Origin origin = Origin::kDeclared;
  std::vector<CallerSet> callers;  // any of; empty = anyone
  Condition when;
  bool dry_run = false;
  bool tcp_only = false;
  WorkspaceId grantee;  // kGrant: the workspace the export admits
  Span span;
};

struct Authentication {
  JwtId provider;
  bool optional = true;  // false: a token is required
  Span span;
  bool before_authorization = false;  // said so; only a server that asks no authorizer can
};

// What a server enforces: the effective, merged rules for one service in one cluster, for a
// gateway, or for workloads behind no service. Deny wins; with `closed` false and no allow rule
// everything not denied is allowed.
struct Guard {
  std::variant<ServiceId, GatewayId, WorkloadId> target;
  ClusterId cluster;
  MtlsMode mtls = MtlsMode::kPermissive;
  Span mtls_span;
  std::map<std::uint16_t, MtlsMode> port_mtls;  // by service port
  bool closed = false;  // not allowed unless a rule allows (isolation, access, default deny)
  std::vector<AccessRuleId> allow;
  std::vector<AccessRuleId> deny;
  std::vector<Authentication> authentication;
  std::vector<ExternalAuthorization> authorization;
  std::vector<LimitId> limits;
  std::vector<LuaCode> code;
  std::vector<Span> spans;  // of the access blocks and the isolate item it comes from
  // What isolation would allow besides, where a block replaces it that adds to it in the system it
  // was read from.
  std::vector<AccessRuleId> replaced;
  Span replaced_by;
};

struct JwtProvider {
  std::string name;
  WorkspaceId workspace;
  std::string issuer;
  std::vector<std::string> audiences;
  std::string jwks_uri, jwks_inline;
  std::optional<TargetRef> jwks_via;  // what serves the keys, and its port
  std::uint16_t jwks_port = 0;
  std::optional<Millis> jwks_cache, jwks_timeout, leeway;
  bool jwks_ahead = false;
  std::string payload_to;  // a header; "" = none
  struct Location {
    enum class Kind { kHeader, kQuery, kCookie } kind = Kind::kHeader;
    std::string name, prefix;
  };
  std::vector<Location> locations;
  std::map<std::string, std::string> claims_to_headers;
  bool forward = false;
  Span span;
};
struct Authorizer {
  std::string name;
  ServiceId service;
  std::string host;
  std::uint16_t port = 0;
  Millis timeout{2000};
  bool allow_on_failure = false;
  int status_on_error = 403;  // of a request that passes only with an answer there is none of
  std::optional<std::int64_t> body_limit;  // bytes sent along
  bool partial_body = false;               // a longer body is cut; else it is answered 413
  bool body_as_bytes = false;
  bool http = false;
  std::string path_prefix;
  std::vector<std::string> include_headers, upstream_headers, client_headers;
  std::map<std::string, std::string> add_headers;
  bool reroute = false;
  std::string stat;
  Span span;
};
// A rate-limit service (envoy.service.ratelimit.v3).
struct Limiter {
  std::string name;
  ServiceId service;
  std::uint16_t port = 0;
  Millis timeout{100};
  bool allow_on_error = true;
  std::string domain;
  Span span;
};
struct LimitKey {
  enum class Kind { kSourceIdentity, kSourceIp, kRemoteIp, kPath, kMethod, kHeader, kClaim };
  Kind kind = Kind::kSourceIdentity;
  std::string name;
  JwtId provider;
};
// One bucket for each combination of values of `per`; a request that lacks one of them is not
// counted. With a limiter all proxies count together, without one each counts for itself.
struct Limit {
  std::string name;  // stable and unique: workspace, what it limits, number
  std::int64_t requests = 1;
  Millis unit{1000};
  std::vector<LimitKey> per;
  std::optional<std::int64_t> burst;
  bool allow_on_error = true;  // of the limiter
  bool before_authorization = false;
  LimiterId limiter;  // none: each proxy counts
  Condition when;
  Span span;
};

// ---- tests and proofs -------------------------------------------------------------------------

// What an authorizer says.
enum class Answer { kAllow, kDeny, kUnavailable };
// What a law takes for granted of the services that decide with the mesh.
struct Assumptions {
  std::map<AuthorizerId, Answer> answers;
  bool within_limits = false;  // no limit is exhausted, every limiter answers
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

enum class LossKind { kNone, kCluster, kRegion, kZone };

// `prove`, references resolved; see dsl/declarations.h ProveDecl for the surface.
struct Law {
  enum class Form { kRequests, kResidency, kChain };
  enum class Quantifier { kNo, kEvery };
  enum class Verdict { kAllowed, kBlocked, kServed, kServedBy };
  std::string title;
  Form form = Form::kRequests;
  Quantifier quantifier = Quantifier::kNo;
  LossKind loss = LossKind::kNone;
  std::vector<TargetRef> to;  // services/destinations; a workspace is all its services
  std::string to_text;
  GatewayId through;
  std::vector<CallerSet> from;  // empty = anyone
  std::optional<bool> mtls;
  bool only_allowed = false;
  Assumptions assumed;
  Condition where;
  Verdict verdict = Verdict::kAllowed;
  std::optional<TargetRef> served_by;
  std::vector<std::string> regions;
  std::vector<ServiceId> chain;
  std::optional<Millis> budget;
  Span span;
  struct Parts {  // where they stand; unknown for what the law does not have
    Span loss, to, through, from, where;
  };
  Parts parts;
};

// A part of the policy that is typed and that nothing after the Model understands.
struct Unemitted {
  std::string what;
  Span span;
  bool beside = false;  // what it asks for is no Istio object in any case; the others are complete
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
