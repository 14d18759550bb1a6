// Policy items: the phrases that mean the same wherever they stand (on a route, in a destination's
// or service's block, in a template, in a policy with a selection).
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dsl/condition.h"
#include "dsl/filter_items.h"
#include "dsl/limit_items.h"
#include "dsl/name.h"

namespace weft::dsl {

struct TimeoutItem {
  Duration value;
};  // `timeout 2s`, `timeout none` = 0

// `retries 2 per try 500ms on [5xx, reset] across localities`; `retries none` = attempts 0.
struct RetriesItem {
  Number attempts;
  std::optional<Duration> per_try;
  std::vector<Name> on;            // Envoy retry_on words; empty = Istio's default conditions
  bool across_localities = false;  // a retry may go to another locality than the first try
};

struct FaultDelayItem {
  Duration delay;
  Percent share;
};  // `fault delay 2s for 10%`
struct FaultAbortItem {
  Number status;
  Percent share;
};  // `fault abort 503 for 1%`

// A weighted reference to a service, subset, destination or external service.
struct Target {
  QName name;
  std::optional<Port> port;       // `reviews port 9080`
  std::optional<Percent> weight;  // `90% reviews.v1`
  Span span;
};
struct MirrorItem {
  Percent share;
  Target to;
};  // `mirror 10% to reviews.v2`

struct HeaderOp {
  enum class Side { kRequest, kResponse };
  enum class Kind { kSet, kAdd, kRemove };
  Side side = Side::kRequest;
  Kind kind = Kind::kSet;
  Str name;
  Str value;  // empty for kRemove
};
struct HeadersItem {
  std::vector<HeaderOp> ops;
};  // `headers { request set "a" = "b"  response remove "server" }`

// `rewrite path "/x"`: replaces the matched `=`/`under`/`starts` part of the path by it;
// `rewrite host "h"`; `rewrite host to target`; `rewrite path matches "re" to "sub"`.
struct RewriteItem {
  std::optional<Str> path;
  std::optional<Str> host;
  std::optional<Str> regex;  // with substitution in `path`
  bool host_of_target = false;
};

struct CorsItem {
  std::vector<Spanned<Pattern>> origins;
  std::vector<Str> methods;
  std::vector<Str> headers;
  std::vector<Str> expose;
  std::optional<Duration> max_age;
  std::optional<Spanned<bool>> credentials;
};

// `connections { at most 100  pending at most 50  requests at most 1000  per connection 10
//  connect within 1s  idle 60s  keepalive 75s every 10s probes 3 }`
struct ConnectionsItem {
  std::optional<Number> max_connections;
  std::optional<Number> max_pending;
  std::optional<Number> max_requests;
  std::optional<Number> requests_per_connection;
  std::optional<Number> max_retries;
  std::optional<Duration> connect_timeout;
  std::optional<Duration> idle_timeout;
  std::optional<Duration> keepalive;  // idle time before the first probe
  std::optional<Duration> keepalive_interval;
  std::optional<Number> keepalive_probes;
};

// `eject after 5 errors in 10s for 30s at most 50%`; `eject after 5 gateway errors …`; `eject after
// 5 errors or 3 gateway errors …`.
struct EjectItem {
  Number errors;
  bool gateway_errors = false;
  std::optional<Number> or_gateway_errors;
  std::optional<Duration> interval;
  std::optional<Duration> base_time;
  std::optional<Percent> max_share;
};

// `balance round robin|least request|random|passthrough [warm up 30s]`,
// `balance by hash of header "x"|cookie "c" path "/" ttl 1h|source ip|query "q"`; each may go on
// with `panic below 50%` and `merge updates within 1s`, which also stand alone behind `balance`.
struct BalanceItem {
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
  std::optional<Str> key;
  std::optional<Str> cookie_path;
  std::optional<Duration> ttl;
  std::optional<Duration> warm_up;
  std::optional<Percent> panic_below;  // share of healthy hosts below which health is ignored
  std::optional<Duration> merge_updates;
};

// `tls simple { sni "…" ca secret "…" sans ["…"] }`, `tls mutual { … certificate secret "…" }`,
// `tls istio`, `tls off`.
struct ClientTlsItem {
  enum class Mode { kOff, kSimple, kMutual, kIstioMutual };
  Mode mode = Mode::kSimple;
  std::optional<Str> sni;
  std::optional<Str> ca_secret;
  std::optional<Str> certificate_secret;
  std::vector<Str> sans;
  bool skip_verify = false;  // `without verification`
};

// `failover same zone, same region, any`; `failover from region "a" [zone "z" [subzone "s"]] to
// region "b" … [weight 80%]`; `failover by labels ["topology.istio.io/network", "version"]`.
struct FailoverItem {
  enum class Step { kSameZone, kSameRegion, kSameCluster, kSameNetwork, kAny };
  struct Place {  // below a region
    std::optional<Str> zone;
    std::optional<Str> subzone;
  };
  struct Mapping {
    Str from;
    Str to;
    std::optional<Percent> weight;
    Place from_place;
    Place to_place;
  };
  std::vector<Spanned<Step>> order;  // exactly one of order, mappings and labels is used
  std::vector<Mapping> mappings;
  std::vector<Str> labels;
};

// `authenticate by corp [optional|tolerant] [phase …] { … }`. `optional`: a request without a token
// passes, an invalid token does not; `tolerant`: both pass. Of several providers one suffices.
struct AuthenticateItem {
  struct Require {  // `require claim "role" has ["a", "b"]`, `require scope "read"`
    std::optional<Str> claim;
    std::vector<Spanned<Pattern>> patterns;
    std::optional<Str> scope;
  };
  enum class Reroute { kAuto, kNever, kAlways };
  std::vector<Name> providers;
  bool optional = false;
  bool tolerant = false;
  std::optional<PhaseClause> phase;
  std::vector<Require> require;      // all of them
  Reroute reroute = Reroute::kAuto;  // `reroute never`, `reroute always`
};
struct AuthorizeItem {  // `authorize by opa { config "x"  context { k = "v" } } [when COND]`
  Name provider;
  std::optional<Str> config;
  std::optional<Str> settings;  // `settings """…"""`: what the authorizer itself reads
  std::vector<LabelTerm> context;
  std::optional<Condition> when;
};
struct WithoutAuthorizationItem {};

enum class MtlsMode { kStrict, kPermissive, kDisable };
struct MtlsItem {
  MtlsMode mode;
  std::optional<Port> port;
};  // `mtls strict [port 9080]`
// `trim proxies`: to what the workspace owns and imports; `trim proxies to [a, b]`, `trim proxies
// to services where label k = "v"`, `trim proxies to nothing`.
struct TrimItem {
  std::vector<QName> to;
  std::vector<SharedResource> selected;
  bool listed = false;
};

// `standard_retries`, `standard_retries(attempts: 3)`: use of a policy template; gone after
// expansion.
struct TemplateUse {
  struct Argument;
  QName name;
  std::vector<Argument> arguments;
};

// Argument or default value of a template parameter.
using Value = std::variant<Duration, Percent, Number, Str, std::vector<Str>, QName>;
struct TemplateUse::Argument {
  std::optional<Name> name;
  Value value;
  Span span;
};

struct Item {
  std::variant<TimeoutItem, RetriesItem, FaultDelayItem, FaultAbortItem, MirrorItem, HeadersItem,
               RewriteItem, CorsItem, ConnectionsItem, EjectItem, BalanceItem, ClientTlsItem,
               FailoverItem, AuthenticateItem, AuthorizeItem, WithoutAuthorizationItem, LimitItem,
               CountedLimitItem, MtlsItem, TrimItem, CsrfItem, BodyLimitItem, BufferItem,
               ProxyProtocolItem, TransformItem, LuaItem, WasmItem, WafItem, MaskItem, LogItem,
               HealthCheckItem, AdaptConcurrencyItem, TemplateUse>
      value;
  bool override_ = false;          // `override timeout 2s`
  std::optional<Number> priority;  // `priority 10 timeout 2s`
  // The priority stands for an age read from another system: the loser of a conflict is named.
  bool by_age = false;
  Span span;
  std::vector<Span> via;  // places of the template uses it came through, outermost first
};

}  // namespace weft::dsl
