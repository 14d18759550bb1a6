// What a server enforces, and who decides with it: access rules, tokens, authorizers, limits. Part
// of the Model.
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
#include "engine/route_rule.h"

namespace weft::engine {

enum class MtlsMode { kStrict, kPermissive, kDisable };

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

}  // namespace weft::engine
