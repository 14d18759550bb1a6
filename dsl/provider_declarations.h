// Declarations of what items refer to: token providers, authorizers, limiters and what they count.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/header.h"
#include "dsl/items.h"
#include "dsl/name.h"

namespace weft::dsl {

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

}  // namespace weft::dsl
