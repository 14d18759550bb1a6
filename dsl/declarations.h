// The declarations of the language as typed values. A reader for each stands in the `.cc` named
// after it (dsl/workspace.cc, dsl/route.cc, ...); docs/language.md is the reference.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dsl/condition.h"
#include "dsl/header.h"
#include "dsl/items.h"
#include "dsl/name.h"
#include "dsl/platform_declarations.h"
#include "dsl/provider_declarations.h"
#include "dsl/syntax.h"
#include "dsl/test_declarations.h"

namespace weft::dsl {

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
  enum class Type { kDuration, kPercent, kNumber, kString, kStrings, kService, kName };
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

// `apply NAME(arguments)`: the declarations of a template, as if they stood here.
struct ApplyDecl {
  Header header;  // name = that of the template
  TemplateUse use;
};

struct UseDecl {
  std::vector<Name> path;
  std::vector<Name> names;
  bool all = false;
  Span span;
};  // `use std.resilience.{a, b}`

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
  std::vector<ApplyDecl> applies;
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
