// A rule of a route table: what it matches, where it sends, what it changes. Part of the Model.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dsl/span.h"
#include "engine/condition.h"
#include "engine/ids.h"
#include "engine/inventory.h"
#include "engine/traffic_policy.h"

namespace weft::engine {

// Where a rule sends to.
using TargetRef = std::variant<ServiceId, DestinationId, ExternalId>;
struct Forward {
  TargetRef target;
  std::string subset;      // of a service; "" = all of it
  std::uint16_t port = 0;  // service port; 0 = the listener's or the only one
  double weight = 100;     // percent of the requests
  Span span;
  std::string host{};  // which requests that go there are sent to; "" = their own
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
  std::string settings;  // JSON that the authorizer itself reads, by the name `config`; "" = none
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

}  // namespace weft::engine
