// The declarations of the language as typed values. A reader for each stands in the `.cc` named
// after it (dsl/workspace.cc, dsl/route.cc, ...); docs/language.md is the reference.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dsl/condition.h"
#include "dsl/items.h"
#include "dsl/name.h"
#include "dsl/syntax.h"

namespace weft::dsl {

// What every declaration has.
struct Header {
  Name name;
  Span span;          // the declaration's first line: keyword to the name (and its `in`/`on` part)
  std::string doc;    // text of the `///` comment above
  std::string owner;  // workspace section it stands in; "" = mesh section
  Span owner_span;
  std::vector<LabelTerm> labels;  // `label k = "v"`
};

// `east-west { gateway where label istio = "eastwestgateway" in namespace "n"  port 15443
// terminate on 15444  address "1.2.3.4" port 15443 }`
struct EastWestAddress {
  Str address;
  std::optional<Port> port;
};
struct EastWest {
  std::vector<LabelTerm> gateway;
  std::optional<Str> gateway_name;  // `gateway "istio-eastwestgateway"`: of the Service
  std::optional<Str> in_namespace;
  std::optional<Port> port;
  std::optional<Port> terminate_on;
  std::vector<EastWestAddress> addresses;
  std::vector<Name> clusters;  // `on [east]`; empty = all
  Span span;
};

// `federate { hosts "*.mesh.internal"  services where label k = "v"  ports [8080] }`, `federate
// off`: every selected service gets the name `<service>.<namespace>.<cluster>.mesh.internal`.
struct FederateItem {
  bool off = false;
  std::optional<Str> suffix;  // without the `*.`
  std::vector<Selection> services;
  std::vector<Port> ports;
  Span span;
};

struct IsolateItem {  // `isolate { mtls strict  trim proxies }`, `isolate off`
  bool off = false;
  std::optional<Spanned<MtlsMode>> mtls;
  std::optional<TrimItem> trim;
  Span span;
};

enum class ClientMode { kAuto, kSniRouting, kTlsTermination };
enum class PathNormalization { kNone, kBase, kMergeSlashes, kDecodeAndMergeSlashes };

struct MeshDecl {  // `mesh shop { … }`
  Header header;
  std::vector<EastWest> east_west;
  std::optional<Spanned<MtlsMode>> mtls;
  std::optional<Spanned<PathNormalization>>
      normalize;                      // `normalize paths base|none|merge slashes|decode slashes`
  std::optional<Str> root_namespace;  // `root namespace "istio-system"`
  // The workspace items of the same words, for every workspace; they win over its own.
  std::optional<IsolateItem> isolate;
  std::optional<TrimItem> trim;
  std::optional<FederateItem> federate;
  std::optional<Spanned<ClientMode>> client;
};

struct ClusterDecl {
  Header header;
  std::optional<Str> region;
  std::optional<Str> zone;
  std::optional<Name> network;
  std::optional<Str> trust;
  std::optional<Str> domain;
  bool skip_warming = false;  // `skip warming`: others do not wait for its first snapshot
};

struct NamespaceClause {  // `namespaces ["a-*"] on [east]`, `namespaces where label k = "v" on
                          // clusters where label …`
  std::vector<Str> names;
  std::vector<LabelTerm> labels;
  std::vector<Name> clusters;  // empty and no cluster_labels = every cluster
  std::vector<LabelTerm> cluster_labels;
  bool without_policy = false;
  Span span;
};

struct ShareClause {  // `export to gateways { … }`, `export to [a, b] { … }`, `export to all { …
                      // }`, `import from a { … }`
  std::vector<Name> workspaces;
  bool all_workspaces = false;
  std::vector<LabelTerm> workspace_labels;
  std::vector<SharedResource> resources;  // no block = everything
  bool transitive = false;
  Span span;
};
struct WorkspaceDecl {
  Header header;
  std::vector<NamespaceClause> namespaces;
  std::vector<ShareClause> exports;
  std::vector<ShareClause> imports;
  bool imports_nothing = false;  // `import nothing`; without any import everything shared is taken
  std::optional<IsolateItem> isolate;
  std::optional<Spanned<MtlsMode>> mtls;
  std::optional<TrimItem> trim;
  std::vector<EastWest> east_west;
  std::optional<FederateItem> federate;
  std::optional<Spanned<ClientMode>> client;  // of its destinations that do not say
};

enum class Protocol { kHttp, kHttp2, kGrpc, kHttps, kTcp, kTls };
enum class TlsMode { kSimple, kMutual, kPassthrough, kAutoPassthrough, kIstioMutual };
enum class TlsVersion { kTls10, kTls11, kTls12, kTls13 };

// `accept routes from [bookinfo] where label k = "v" for hosts ["books.shop"]`, `accept routes from
// all`.
struct AcceptClause {
  std::vector<Name> workspaces;
  bool all = false;
  std::vector<LabelTerm> labels;  // of the tables; empty = any
  std::vector<Str> hosts;         // empty = any
  Span span;
};
// `expose external services where label k = "v" for hosts ["h"]`: which external services routes on
// the gateway may send to; without a clause all of them.
struct ExposeClause {
  Selection externals;
  std::vector<Str> hosts;
  Span span;
};
struct Listener {  // `listen 443 https { hosts ["*.shop"]  certificate secret "shop-tls"  min
                   // tls 1.3 }`
  Port port;
  Protocol protocol = Protocol::kHttp;
  std::optional<Str> name;              // `name "https-public"`
  std::vector<Str> hosts;               // empty = any
  std::optional<Spanned<TlsMode>> tls;  // `tls mutual`; https and tls without it = simple
  std::optional<Str> certificate;       // secret name
  std::optional<Str> ca;                // secret name
  // `certificate file "/c.pem" key "/k.pem"`, `ca file "/ca.pem"`: instead of secrets
  std::optional<Str> certificate_file;
  std::optional<Str> key_file;
  std::optional<Str> ca_file;
  std::vector<Str> sans;
  std::optional<Spanned<TlsVersion>> min_version;
  std::optional<Spanned<TlsVersion>> max_version;
  std::vector<Str> ciphers;  // `ciphers ["ECDHE-RSA-AES256-GCM-SHA384"]`
  std::vector<Str> curves;   // `curves ["X25519"]`
  bool redirect_https = false;
  std::vector<AcceptClause> accepts;  // on this listener only
  std::vector<ExposeClause> exposes;
  Span span;
};
struct GatewayDecl {
  Header header;
  std::optional<Str> in_namespace;
  std::vector<Name> clusters;     // `on [east]`; empty = wherever its workloads run
  std::vector<LabelTerm> select;  // `select { istio = "ingressgateway" }`
  std::vector<Listener> listeners;
  std::vector<AcceptClause> accepts;  // none = routes of its own workspace only
  std::vector<ExposeClause> exposes;
  std::vector<Item> items;
};

struct PortDecl {
  Protocol protocol = Protocol::kHttp;
  Port number;
  std::optional<Port> target;
  Span span;
};
struct SubsetDecl {
  Name name;
  std::vector<LabelTerm> labels;
  std::vector<Item> items;
  Span span;
};
struct CallDecl {
  QName callee;
  std::optional<Duration> within;
  Span span;
};  // `calls ledger within 2s`
struct ResidencyDecl {
  Spanned<std::string> mark;
  std::vector<Str> regions;
  Span span;
};  // `data pii stays in ["eu-west-1"]`

struct ServiceDecl {  // `service reviews in "bookinfo-backends" { … }`
  Header header;
  Str in_namespace;
  std::vector<Name> clusters;   // `on [east]`; empty = wherever it is discovered
  std::vector<PortDecl> ports;  // empty = as discovered
  std::vector<SubsetDecl> subsets;
  std::vector<CallDecl> calls;
  std::vector<ResidencyDecl> residency;
  std::vector<Item> items;
};

struct ExternalEndpoint {
  Str address;
  std::optional<Port> port;
  std::optional<Str> region;
  std::optional<Str> zone;
  Span span;
};
struct ExternalPort {
  Protocol protocol = Protocol::kHttps;
  Port number;
  std::optional<Port> target;
  std::optional<ClientTlsItem> tls;
  Span span;
};
struct ExternalDecl {
  Header header;
  std::vector<Str> hosts;
  std::vector<Str> addresses;
  std::vector<ExternalPort> ports;
  std::vector<ExternalEndpoint> endpoints;
  std::vector<Str> sans;         // `sans ["a"]`: names its certificates may have
  std::optional<QName> via;      // `via gateways.egress`
  std::optional<Port> via_port;  // `via gateways.egress port 443`: this port only
  std::vector<Item> items;
};

// `backs reviews on [east, west]`, `backs services where label app = "reviews"`.
struct BackingClause {
  QName service;
  std::vector<Name> clusters;
  std::optional<Selection> services;  // instead of `service`
  Span span;
};
struct DestinationDecl {
  Header header;
  std::vector<Str> hosts;  // `at "reviews.global"` / `at ["a", "b"]`
  std::vector<BackingClause> backs;
  std::vector<QName> externals;  // `backs external payments`
  std::vector<QName> workloads;  // `backs workload vm-1`
  std::vector<PortDecl> ports;   // empty = those of the backing services
  std::optional<Spanned<ClientMode>> client;
  std::vector<ResidencyDecl> residency;
  std::vector<Item> items;  // failover, eject, connections, balance ...
};

struct ForwardAction {
  std::vector<Target> to;
  bool to_default = false;  // written `-> default`; `to` is then that of the route
};
struct RedirectAction {
  bool https = false;
  std::optional<Str> host;
  std::optional<Str> path;
  std::optional<Number> code;
  std::optional<Port> port;
};
struct RespondAction {
  Number status;
  std::optional<Str> body;
};
// `delegate to bookinfo.pages`, `delegate to tables where label k = "v" of workspace w or tables
// … by specificity`
struct DelegateAction {
  Selection tables;
  std::vector<Selection> more;  // alternatives behind `or`, in order
  bool by_specificity = false;
  bool by_weight = false;
};

struct RouteRule {
  enum class Layer { kHttp, kTls, kTcp };
  Layer layer = Layer::kHttp;
  std::optional<Name> name;  // `rule NAME: …`
  std::vector<LabelTerm> labels;
  std::vector<Str> methods;       // `GET, HEAD when …`
  std::optional<Condition> when;  // absent = matches all
  bool otherwise = false;
  std::vector<Spanned<Pattern>> sni;  // kTls: `tls sni "*.shop" -> x`
  std::optional<Port> port;           // kTcp/kTls: `tcp port 5432 -> db`
  std::variant<ForwardAction, RedirectAction, RespondAction, DelegateAction> action;
  Span action_span;
  std::vector<Item> items;
  Span span;  // from the first word to the end of the action
};

enum class OnInvalid { kReplace, kFreeze };

// `route NAME on gateways.north-south and workloads where … for "host" { … }` and `table NAME { …
// }`.
struct RouteDecl {
  Header header;
  bool is_table = false;
  std::vector<QName> gateways;
  bool on_sidecars = false;            // `on sidecars` / `on workloads …`
  std::optional<Selection> workloads;  // narrows on_sidecars
  std::vector<Str> hosts;
  std::vector<QName> for_names;  // `for reviews`: the hosts of a service or destination
  std::vector<RouteRule> rules;
  std::optional<Spanned<OnInvalid>> on_invalid;
  std::optional<Number> weight;
  std::vector<Target> default_to;      // `default -> reviews`
  std::vector<LabelTerm> annotations;  // `annotate "k" = "v"`: on the emitted object
  std::vector<Item> items;             // apply to every rule that does not say otherwise
};

struct AccessClause {
  enum class Effect { kAllow, kDeny };
  Effect effect = Effect::kAllow;
  std::vector<SourceClause> sources;  // `from …`; empty = `anyone`/`all`
  bool anyone = false;                // `allow anyone`, `deny all`
  std::optional<Condition> when;
  bool dry_run = false;
  bool tcp_only = false;  // `allow tcp from …`: on TCP ports only
  Span span;
};
// `access reviews { … }`, `access gateway north-south { … }`, `access workspace w { … }`,
// `access services where label … { … }`, `access workloads where label … or where … { … }`,
// `access all { … }` (mesh section only). Blocks that select add up.
struct AccessDecl {
  enum class TargetKind { kService, kGateway, kWorkspace, kServices, kWorkloads, kMesh };
  Header header;  // name = text of the target
  TargetKind target_kind = TargetKind::kService;
  std::optional<QName> target;
  std::optional<Selection> selected;  // kServices, kWorkloads
  std::vector<Selection> more;        // alternatives behind `or`
  std::vector<AccessClause> clauses;
  std::vector<Item> items;    // mtls, authenticate, authorize
  bool default_deny = false;  // `default deny`: nothing is allowed that no clause allows
  Span default_deny_span;
  bool override_ = false;
  std::optional<Number> priority;
  // Read from a system in which the block adds to isolation instead of replacing it: whom it would
  // let in besides is reported.
  bool adds_in_original = false;
};

struct LimitDecl {
  Header header;
  QName target;
  bool gateway = false;
  std::vector<Item> limits;
};
struct PredicateDecl {
  Header header;
  Condition condition;
};

struct Parameter {
  enum class Type { kDuration, kPercent, kNumber, kString, kStrings, kService };
  Name name;
  Type type = Type::kString;
  std::optional<Value> fallback;
};

// `policy NAME(params) { items }` is a template; `policy NAME on SELECTION { items }` is applied.
struct PolicyDecl {
  enum class On {
    kTemplate,
    kRoutes,
    kRouteTargets,  // `on targets of routes …`: what those routes send to, only as they send it
    kDestinations,
    kServices,
    kExternals,
    kWorkloads,
    kGateway  // `on gateway g [listener 443]`, `on gateways where label … [listener 443]`
  };
  Header header;
  On on = On::kTemplate;
  std::vector<Parameter> parameters;
  Selection selection;
  std::optional<Selection> with_targets;  // kRoutes: `with targets [a]`, those that send there
  std::vector<Selection> more;            // alternatives behind `or`
  std::optional<Port> listener;
  std::vector<Item> items;  // of an applied policy; a template's are read at each use
  // Body of a template: tokens [body_begin, body_end) of `syntax`.
  std::shared_ptr<const Syntax> syntax;
  std::uint32_t body_begin = 0;
  std::uint32_t body_end = 0;
};

struct UseDecl {
  std::vector<Name> path;
  std::vector<Name> names;
  bool all = false;
  Span span;
};  // `use std.resilience.{a, b}`

struct JwtDecl {
  Header header;
  Str issuer;
  std::vector<Str> audiences;
  std::optional<Str> jwks_uri;
  std::optional<Str> jwks_inline;
  struct Secret {
    Str name;
    std::optional<Str> key;
    std::optional<Str> in_namespace;
  };
  std::optional<Secret> jwks_secret;     // `jwks secret "name" key "k" in "ns"`
  std::optional<QName> jwks_service;     // `jwks from "…" through service id`
  std::optional<Duration> jwks_cache;    // `cache keys 5m`
  std::optional<Duration> jwks_timeout;  // `fetch keys within 5s`
  bool jwks_ahead = false;               // `fetch keys ahead`
  std::optional<Duration> leeway;        // `leeway 60s` on `exp` and `nbf`
  std::optional<Str> payload_to;         // `payload to header "x-payload"`
  struct Location {
    enum class Kind { kHeader, kQuery, kCookie } kind = Kind::kHeader;
    Str name;
    Str prefix;
  };
  std::vector<Location>
      locations;  // `from header "x" prefix "Bearer "`, `from query "t"`, `from cookie "c"`
  std::vector<LabelTerm> claims_to_headers;  // claim -> header
  std::vector<Str> appended_claims;          // of these, claims added to a header that is there
  bool forward = false;                      // `forward token`
};
struct AuthorizerDecl {
  Header header;
  QName service;
  std::optional<Str> in_namespace;
  std::optional<Port> port;
  std::optional<Duration> timeout;
  bool allow_on_failure = false;
  std::optional<Number> status_on_error;  // `status 503`; 403 when absent
  std::optional<Number> body_limit;
  bool partial_body = false;  // `body up to 4KiB partial`: a larger body is cut, not refused
  bool body_as_bytes = false;
  bool http = false;
  std::optional<Str> path_prefix;
  std::vector<Str> include_headers;
  std::vector<LabelTerm> add_headers;  // `add headers { "x" = "v" }` to the check
  std::vector<Str> upstream_headers;   // `headers upstream […]`: of its answer, to the service
  std::vector<Str> client_headers;     // `headers to client […]`: of a denial, to the client
  bool reroute = false;                // the route is chosen again after its answer
  std::optional<Str> stat;             // `stat "name"`
};
struct LimiterDecl {
  Header header;
  QName service;
  std::optional<Str> in_namespace;
  std::optional<Port> port;
  std::optional<Duration> timeout;
  bool allow_on_error = true;
  std::optional<Str> domain;  // `domain "shop"`; the mesh's name when absent
};

// `limits api for main { "plan" = "gold" 100/s { "remote_address" 5/s }  set ["type", "n" = "4"]
// 10/min always }`: what a limiter counts. `always` counts also where a heavier one matches.
struct DescriptorEntry {
  Str key;
  std::optional<Str> value;  // absent: any value, one bucket for each
};
struct LimitRate {
  std::int64_t requests = 0;
  Millis unit{1000};
  Span span;
};
struct DescriptorDecl {
  std::vector<DescriptorEntry> entries;  // one, or those of a set
  bool set = false;
  std::optional<LimitRate> rate;
  bool unlimited = false;
  std::optional<Number> weight;
  bool always = false;
  bool shadow = false;  // counted and never enforced
  std::vector<DescriptorDecl> children;
  Span span;
};
struct LimitsDecl {
  Header header;
  std::vector<Name> limiters;  // `for [main]`; empty = the only one in sight
  std::vector<DescriptorDecl> descriptors;
};
struct CounterDecl {  // `counter per-user { send remote address, header "x-user" as "user" }`
  Header header;
  std::vector<SendClause> sends;
};

// `trust root shop { … }`: one root of trust for the clusters' certificate authorities.
struct CertificateOptions {
  std::optional<Duration> ttl;       // `for 365d`
  std::optional<Number> key_bits;    // `key 4096`
  std::optional<Str> organization;   // `organization "shop"`
  std::optional<Percent> rotate_at;  // `rotate at 80%`: of the lifetime
};
struct TrustDecl {
  struct Secret {
    Str name;
    std::optional<Str> in_namespace;
  };
  struct Vault {
    Str server;
    std::optional<Str> ca_path;
    std::optional<Str> csr_path;
    std::optional<Str> ca_bundle;
    std::optional<Str> vault_namespace;
    std::optional<Secret> token;
    std::optional<Str> role;  // Kubernetes authentication
    std::optional<Str> mount;
    std::optional<Str> token_path;
    bool skip_verify = false;
  };
  Header header;
  std::optional<CertificateOptions> generated;     // `generated for 365d …`
  std::optional<Secret> secret;                    // `secret "root-ca" [in "ns"]`
  std::optional<Vault> vault;                      // `vault "https://…" { … }`: agents ask it
  std::optional<CertificateOptions> intermediate;  // `intermediate for 30d …`
  bool restart_pods = false;
  std::vector<Secret> passive;  // `passive [secret "old-root"]`: trusted, no longer used
  std::vector<Name> clusters;   // `on [east]`; empty and no labels = every cluster
  std::vector<LabelTerm> cluster_labels;
  std::optional<Str> revision;
  Span span;
};

// `istio on [east] { version "1.31"  revision main  default }` and `gateways on [east] { revision
// main  active }`: what runs there, as data for the checks.
struct LifecycleDecl {
  Header header;  // name = that of the revision or ""
  bool gateways = false;
  std::vector<Name> clusters;
  std::optional<Str> version;
  std::optional<Name> revision;          // of the control plane
  std::optional<Name> gateway_revision;  // gateways only
  bool is_default = false;               // `default`: the revision of unlabelled namespaces
  bool active = false;                   // gateways only: takes traffic
  std::optional<Str> trust;
  bool skip_upgrade_check = false;  // `skip upgrade check`
  std::optional<Str> settings;      // `settings """…"""`: the installer's own, kept as it is
};

// `workload vm-1 in "vms" on east { port http 5000  identity aws { role = "…" }  ready GET "/ok"
// port 5000 every 10s }`: a workload outside of Kubernetes.
struct WorkloadDecl {
  struct Identity {
    enum class Kind { kAws, kGcp, kAzure, kToken };
    Kind kind = Kind::kAws;
    std::vector<LabelTerm> terms;  // all must hold
    Str spiffe;                    // kToken
    Span span;
  };
  struct Registration {
    Str in_namespace;
    std::vector<Name> clusters;
  };
  struct Probe {
    enum class Kind { kHttp, kTcp, kExec };
    Kind kind = Kind::kHttp;
    std::optional<Port> port;
    std::optional<Str> path;
    bool https = false;
    std::vector<LabelTerm> headers;
    std::optional<Str> host;
    std::vector<Str> command;
    std::optional<Duration> delay, every, within;
    std::optional<Number> healthy_after, unhealthy_after;
  };
  Header header;
  std::vector<Registration> registered;  // the head's and `registered in "ns" on east`
  std::vector<PortDecl> ports;
  std::vector<Identity> identities;  // any of them
  std::optional<Str> account;        // `account "vm"`
  std::vector<Str> addresses;        // `addresses ["10.0.0.7"]`
  std::optional<Probe> ready;
};

// `raw istio [on [east]] """…"""`: objects emitted as they are; proofs that depend on them say so.
struct RawDecl {
  Header header;
  std::vector<Name> clusters;
  Str text;
};

// `with opa denying`, `with opa unavailable`: what an authorizer says.
struct StatedAnswer {
  enum class Kind { kAllow, kDeny, kUnavailable };
  Name authorizer;
  Kind kind = Kind::kAllow;
};

struct TestRequest {
  Str method;
  Str url;  // `http://reviews:9080/reviews/7?x=1`; scheme https on gateways = TLS listener
  std::vector<LabelTerm> headers;
  std::optional<SourceClause> from;  // absent = outside
  std::optional<QName> through;      // `through gateways.north-south`
  bool plaintext = false;            // `without mtls`
  std::optional<Str> source_ip;
  std::optional<Str> remote_ip;
  struct Token {
    Name provider;
    bool invalid = false;
    std::vector<std::pair<Str, std::vector<Str>>> claims;
    Span span;
  };
  std::vector<Token> tokens;  // `with jwt corp { role = ["auditor"] }`, `with invalid jwt corp`
  std::vector<StatedAnswer> answers;  // `with opa denying`
  std::vector<Name> silent;           // `with limiter main unavailable`
  struct After {                      // `after 100 requests in the second`
    Number requests;
    Millis window{1000};
  };
  std::optional<After> after;
  std::optional<Number> body;  // `with body 2MiB`
  Span span;
};
struct Expectation {
  enum class Kind { kAllowed, kDenied, kBlocked, kServedBy, kRespond, kRedirect, kTimeout };
  Kind kind = Kind::kAllowed;
  std::optional<Name> stage;    // `blocked at mtls`
  std::optional<QName> target;  // `served by reviews.v2`
  std::optional<Name> cluster;  // `on west`
  std::optional<Number> status;
  std::optional<Str> location;
  std::optional<Duration> duration;  // `timeout 2s`
  Span span;
};
struct TestDecl {
  Header header;  // name = the quoted title
  TestRequest request;
  std::vector<Expectation> expectations;
  struct Loss {
    enum class Kind { kCluster, kRegion, kZone } kind = Kind::kCluster;
    Str name;
  };
  std::vector<Loss> losses;  // `on loss of cluster east`
};

// `prove "title" { … }`.
struct ProveDecl {
  enum class Quantifier { kNo, kEvery };
  enum class Verdict { kAllowed, kBlocked, kServed, kServedBy };
  enum class LossKind { kNone, kCluster, kRegion, kZone };
  enum class Form { kRequests, kResidency, kChain };
  Header header;
  Form form = Form::kRequests;
  Quantifier quantifier = Quantifier::kNo;
  LossKind loss = LossKind::kNone;  // `on loss of any region: …`
  Span loss_span;
  std::optional<QName> to;          // service, destination or workspace
  bool to_workspace = false;
  std::optional<QName> through;  // `through gateways.north-south`
  std::vector<SourceClause> from;
  std::optional<bool> mtls;           // `with mtls` / `without mtls`
  bool only_allowed = false;          // `every request allowed to X is served`
  bool within_limits = false;         // `within limits`: no limit is exhausted
  std::vector<StatedAnswer> answers;  // `with opa allowing`
  std::optional<Condition> where;
  Verdict verdict = Verdict::kAllowed;
  std::optional<QName> served_by;
  std::vector<Str> regions;  // kResidency: `data of X stays in [ … ]`
  std::vector<QName> chain;  // kChain: `chain a -> b -> c fits 5s`
  std::optional<Duration> budget;
  Span span;  // of the law
};

// Everything of one run after parsing, module loading and expansion of templates and predicates.
// Order inside each vector: by file, then position.
struct Program {
  std::vector<MeshDecl> meshes;
  std::vector<ClusterDecl> clusters;
  std::vector<WorkspaceDecl> workspaces;
  std::vector<GatewayDecl> gateways;
  std::vector<ServiceDecl> services;
  std::vector<ExternalDecl> externals;
  std::vector<DestinationDecl> destinations;
  std::vector<RouteDecl> routes;
  std::vector<AccessDecl> accesses;
  std::vector<LimitDecl> limits;
  std::vector<PredicateDecl> predicates;
  std::vector<PolicyDecl> policies;
  std::vector<UseDecl> uses;
  std::vector<JwtDecl> jwts;
  std::vector<AuthorizerDecl> authorizers;
  std::vector<LimiterDecl> limiters;
  std::vector<LimitsDecl> limit_trees;
  std::vector<CounterDecl> counters;
  std::vector<TrustDecl> trusts;
  std::vector<LifecycleDecl> lifecycles;
  std::vector<WorkloadDecl> workloads;
  std::vector<RawDecl> raws;
  std::vector<TestDecl> tests;
  std::vector<ProveDecl> proves;
};

}  // namespace weft::dsl
