// A concrete request and what becomes of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dsl/span.h"
#include "engine/model.h"

namespace weft::engine {

struct Identity {
  std::string trust_domain, ns, account;
  auto operator<=>(const Identity&) const = default;
  [[nodiscard]] std::string Uri() const {
    return "spiffe://" + trust_domain + "/ns/" + ns + "/sa/" + account;
  }
};

struct Token {
  JwtId provider;
  bool valid = true;
  // Claim path joined by '.', e.g. "realm.roles"; a list claim has several values.
  std::map<std::string, std::vector<std::string>> claims;
  auto operator<=>(const Token&) const = default;
};

struct Request {
  Layer layer = Layer::kHttp;
  WorkloadId source;       // none: a caller from outside the mesh
  ClusterId cluster;       // where the caller (or, from outside, the gateway) is
  GatewayId gateway;       // entry at a gateway listener; none = the caller's sidecar
  bool plaintext = false;  // the caller presents no mTLS identity
  bool direct = false;     // the caller addresses the server itself: no route, visibility or TLS
                           // setting of its own side applies (a compromised or unproxied caller)
  std::optional<Identity> identity;  // overrides that of `source`; for callers not in the inventory
  bool tls = false;                  // at a gateway: the client speaks TLS
  std::string sni;                   // lower case
  std::string host;                  // lower case, without port
  std::uint16_t port = 80;           // service port (sidecar) or listener port (gateway)
  std::string source_ip = "10.0.0.1";  // TCP peer
  std::string remote_ip;               // original client; "" = source_ip
  std::string method = "GET";
  std::string path = "/";  // after normalisation, without query
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;  // names in lower case
  std::vector<Token> tokens;                   // at most one per provider
  std::map<AuthorizerId, Answer> answers;      // of the authorizers; absent = allows
  std::set<LimitId> exhausted;                 // limits without room left for this request
  std::set<LimiterId> silent;                  // limiters that do not answer
  std::int64_t body_bytes = 0;
  // Failure scenario: what is lost. Workloads there are not ready.
  std::set<ClusterId> lost_clusters;
  std::set<std::string> lost_regions;
  std::set<std::string> lost_zones;
  auto operator<=>(const Request&) const = default;
};

enum class Stage {
  kHidden,
  kNoRoute,
  kMtls,
  kAuthentication,
  kExternalAuthorization,
  kDenied,
  kNotAllowed,
  kRateLimited,
  kForeignOrigin,
  kBodyTooLarge,
  kFault,
  kUnavailable
};
[[nodiscard]] std::string_view StageName(Stage stage);  // "hidden", "no-route", "not-allowed", ...

// Where in the request's way a decision was taken, with the lines that took it in order.
struct Block {
  Stage stage = Stage::kHidden;
  int status = 0;  // what the client sees; 0 = connection refused or reset
  std::vector<Span> rules;
};

struct Backend {
  ClusterId cluster;
  std::variant<ServiceId, ExternalId> service;
  std::string subset;
  auto operator<=>(const Backend&) const = default;
};
struct Tier {
  std::vector<Backend> backends;
};  // equally preferred; sorted

// One weighted destination of the deciding rule and what its server says.
struct Branch {
  double weight = 100;  // percent; > 0
  TargetRef target;
  std::string subset;
  std::vector<Tier> tiers;       // most preferred first; only with ready workloads
  std::optional<Block> blocked;  // at the server, or unavailable when tiers is empty
};

struct Outcome {
  // Set when the request ends before any destination (client, gateway, whole-rule fault).
  std::optional<Block> blocked;
  // Set when the proxy answers itself.
  std::optional<std::variant<Redirect, Respond>> answered;
  std::vector<Branch> branches;     // sorted as in the rule
  const RouteRule* rule = nullptr;  // deciding rule of the client or gateway; null = default route
  std::string path, host;           // as the server sees them
  std::optional<Millis> timeout;
  std::optional<Retries> retries;
  std::vector<HeaderOp> headers;
  std::vector<Span> rules;  // all lines that decided, in order of the stages

  // Some part of the traffic gets to a server that lets it in (or the proxy answers).
  [[nodiscard]] bool AllowedSomewhere() const;
  // Some part of the traffic is refused.
  [[nodiscard]] bool BlockedSomewhere() const;
  // The first block in order; nullptr when nothing is refused.
  [[nodiscard]] const Block* FirstBlock() const;
};

// The reference evaluator: the meaning of a policy, written to be read. No caches, no cleverness;
// every other judge is held against it. Unknown hosts end as kHidden.
[[nodiscard]] Outcome Evaluate(const Model& model, const Request& request);

// Whether external authorization lets the request pass; nullopt when it does.
[[nodiscard]] std::optional<Block> CheckAuthorization(
    const Model& model, const std::vector<ExternalAuthorization>& asked, const Request& request,
    const std::optional<Identity>& peer, std::vector<Span>& rules);

// Whether the limits of one phase have room for the request; nullopt when they have.
[[nodiscard]] std::optional<Block> CheckLimits(const Model& model,
                                               const std::vector<LimitId>& limits,
                                               bool before_authorization, const Request& request,
                                               const std::optional<Identity>& peer,
                                               std::vector<Span>& rules);

// Whether the request is one the limit counts.
[[nodiscard]] bool Counts(const Model& model, const Limit& limit, const Request& request,
                          const std::optional<Identity>& peer);

// Limits that have no room for one more after `count` requests like it within `window`. A limit
// over a shorter time than the window may have recovered and is not among them.
[[nodiscard]] std::set<LimitId> ExhaustedAfter(const Model& model, std::int64_t count,
                                               Millis window);

// Whether a server's guard lets a request in, given the identity (nullopt = none) it sees. nullopt
// when let in. `service_port` is the port of the service; request.path/host are those the server
// sees. At a gateway `route` are the modifiers of the rule that will take the request, whose
// authorization replaces the guard's and whose limits add to it; nullptr = none.
[[nodiscard]] std::optional<Block> CheckGuard(const Model& model, const Guard& guard,
                                              const Request& request,
                                              const std::optional<Identity>& peer,
                                              std::uint16_t service_port, std::vector<Span>& rules,
                                              const RouteModifiers* route = nullptr);

// Whether the route takes the origin and the body of the request; nullopt when it does.
[[nodiscard]] std::optional<Block> CheckContent(const RouteModifiers& route, const Request& request,
                                                std::vector<Span>& rules);

// What the authorizers and limits of a route alone say; of a caller's proxy, or a gateway without
// guard.
[[nodiscard]] std::optional<Block> CheckRoute(const Model& model, const RouteModifiers& route,
                                              const Request& request,
                                              const std::optional<Identity>& peer,
                                              std::vector<Span>& rules);

// What a route says of the tokens of a request, in front of external authorization or behind it;
// nullopt when it lets the request pass.
[[nodiscard]] std::optional<Block> CheckRouteTokens(const Model& model, const RouteModifiers& route,
                                                    bool before_authorization,
                                                    const Request& request,
                                                    std::vector<Span>& rules);

// Whether one of the sets admits the peer (nullopt = no identity).
[[nodiscard]] bool Admits(const std::vector<CallerSet>& sets, const std::optional<Identity>& peer);

// Truth of a condition for a request seen with this peer identity.
[[nodiscard]] bool Holds(const Model& model, const Condition& condition, const Request& request,
                         const std::optional<Identity>& peer);

}  // namespace weft::engine
