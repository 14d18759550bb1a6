// Policy items: the phrases that mean the same wherever they stand (on a route, in a destination's
// or service's block, in a template, in a policy with a selection).
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dsl/condition.h"
#include "dsl/name.h"

namespace weft::dsl {

struct TimeoutItem {
  Duration value;
};  // `timeout 2s`, `timeout none` = 0

// `retries 2 per try 500ms on [5xx, reset]`; `retries none` = attempts 0.
struct RetriesItem {
  Number attempts;
  std::optional<Duration> per_try;
  std::vector<Name> on;  // Envoy retry_on words; empty = Istio's default conditions
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
// `rewrite host "h"`; `rewrite path matches "re" to "sub"`.
struct RewriteItem {
  std::optional<Str> path;
  std::optional<Str> host;
  std::optional<Str> regex;  // with substitution in `path`
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
//  connect within 1s  idle 60s  keepalive 75s }`
struct ConnectionsItem {
  std::optional<Number> max_connections;
  std::optional<Number> max_pending;
  std::optional<Number> max_requests;
  std::optional<Number> requests_per_connection;
  std::optional<Number> max_retries;
  std::optional<Duration> connect_timeout;
  std::optional<Duration> idle_timeout;
  std::optional<Duration> keepalive;
};

// `eject after 5 errors in 10s for 30s at most 50%`; `eject after 5 gateway errors …`.
struct EjectItem {
  Number errors;
  bool gateway_errors = false;
  std::optional<Duration> interval;
  std::optional<Duration> base_time;
  std::optional<Percent> max_share;
};

// `balance round robin|least request|random|passthrough [warm up 30s]`,
// `balance by hash of header "x"|cookie "c" ttl 1h|source ip|query "q"`.
struct BalanceItem {
  enum class Kind {
    kRoundRobin,
    kLeastRequest,
    kRandom,
    kPassthrough,
    kHashHeader,
    kHashCookie,
    kHashSourceIp,
    kHashQuery
  };
  Kind kind = Kind::kRoundRobin;
  std::optional<Str> key;
  std::optional<Duration> ttl;
  std::optional<Duration> warm_up;
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

// `failover same zone, same region, any`; `failover from region "a" to region "b" [weight 80%]`.
struct FailoverItem {
  enum class Step { kSameZone, kSameRegion, kSameCluster, kSameNetwork, kAny };
  struct Mapping {
    Str from;
    Str to;
    std::optional<Percent> weight;
  };
  std::vector<Spanned<Step>> order;  // exactly one of order and mappings is used
  std::vector<Mapping> mappings;
};

enum class Phase { kBeforeAuthorization, kAfterAuthorization };
struct AuthenticateItem {
  Name provider;
  bool optional = false;
  std::optional<Phase> phase;
};                      // `authenticate by corp`
struct AuthorizeItem {  // `authorize by opa { config "x"  context { k = "v" } } [when COND]`
  Name provider;
  std::optional<Str> config;
  std::vector<LabelTerm> context;
  std::optional<Condition> when;
};
struct WithoutAuthorizationItem {};

// `100/s per source.identity burst 20 on error allow [when COND]`; also `limit 100/s per …` as an
// item.
struct LimitKey {
  enum class Kind { kSourceIdentity, kSourceIp, kRemoteIp, kPath, kMethod, kHeader, kClaim };
  Kind kind = Kind::kSourceIdentity;
  Str name;       // header or claim name
  Name provider;  // of a claim
};
struct LimitItem {
  Number requests;
  Millis unit{1000};
  std::vector<LimitKey> per;  // empty = one bucket for all
  std::optional<Number> burst;
  std::optional<bool> allow_on_error;
  std::optional<Condition> when;
  std::optional<Phase> phase;
};

enum class MtlsMode { kStrict, kPermissive, kDisable };
struct MtlsItem {
  MtlsMode mode;
  std::optional<Port> port;
};  // `mtls strict [port 9080]`
struct TrimItem {
  std::vector<QName> to;
  bool listed = false;
};  // `trim proxies [to [ … ]]`

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
               MtlsItem, TrimItem, TemplateUse>
      value;
  bool override_ = false;          // `override timeout 2s`
  std::optional<Number> priority;  // `priority 10 timeout 2s`
  Span span;
  std::vector<Span> via;  // places of the template uses it came through, outermost first
};

}  // namespace weft::dsl
