// Conditions: what stands after `when` and `where`, and the sources that stand after `from`.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dsl/name.h"
#include "dsl/pattern.h"
#include "dsl/span.h"

namespace weft::dsl {

// `from …`, one alternative.
struct SourceAnyone {};       // `anyone`: also without identity
struct SourceAnyIdentity {};  // `any identity`: any mTLS peer
struct SourceOutside {};      // `outside`: not a workload of the mesh
struct SourceService {
  QName name;
};  // `productpage`, `web.frontend`
struct SourceGateway {
  QName name;
};  // `gateway north-south`
struct SourceWorkspace {
  Name name;
  bool outside = false;
};  // `workspace w`, `outside workspace w`
struct SourceNamespace {
  Str name;
};  // `namespace "web"`; exact
struct SourceAccount {
  Str account;
};  // `account "ns/sa"`
// `accounts productpage in namespace "web"`, `accounts where label app = "x" of workspace w`: the
// discovered service accounts of the own workspace and of those it imports from, unless narrowed.
struct SourceAccounts {
  Selection selection;
};
struct SourceIdentity {
  Pattern pattern;
};  // `identity like "spiffe://…"`: =, starts, ends, like, matches
struct SourceName {
  QName name;
};  // a bare name: service, gateway or workspace; resolved by the engine

struct SourceClause {
  std::variant<SourceAnyone, SourceAnyIdentity, SourceOutside, SourceService, SourceGateway,
               SourceWorkspace, SourceNamespace, SourceAccount, SourceAccounts, SourceIdentity,
               SourceName>
      value;
  std::vector<Name> clusters;  // `on east` / `on [east, west]`; empty = every cluster
  Span span;
};

// Atomic matchers. Lists are alternatives (any of them).
struct MethodIn {
  std::vector<Str> methods;
};  // `method in [GET, HEAD]`, `method = GET`
struct PathIs {
  std::vector<Spanned<Pattern>> patterns;
};  // `path under "/a"`, `path under ["/a", "/b"]`
struct HostIs {
  std::vector<Spanned<Pattern>> patterns;
};  // `host = "a"`, `host ends ".b"`
struct SniIs {
  std::vector<Spanned<Pattern>> patterns;
};  // `sni = "a"`
struct HeaderIs {
  Str name;
  std::vector<Spanned<Pattern>> patterns;
};  // `header "x" = "1"`, `header "x" present`
struct QueryIs {
  Str name;
  std::vector<Spanned<Pattern>> patterns;
};  // `query "x" = "1"`, `query "x" present`
struct PortIn {
  std::vector<Port> ports;
};  // `port 9080`, `port in [80, 443]`
struct SourceIn {
  std::vector<SourceClause> sources;
};  // `source from …` / `source in [ … ]`
struct SourceIpIn {
  std::vector<Str> blocks;
};  // `source.ip in [10.0.0.0/8]` (TCP peer)
struct RemoteIpIn {
  std::vector<Str> blocks;
};                  // `remote.ip in [ … ]` (original client)
struct HasMtls {};  // `mtls`
struct JwtValid {
  Name provider;
};  // `jwt corp`
// `jwt corp claim "role" has "x"` / `= "x"` / `starts …`. A list claim matches when one element
// does; claim "a.b" names the nested claim b in a, "a\\.b" the one whose own name has a dot.
struct JwtClaim {
  Name provider;
  Str claim;
  std::vector<Spanned<Pattern>> patterns;
};
struct JwtScope {
  Name provider;
  Str scope;
};  // `jwt corp scope "read"`
struct PredicateRef {
  QName name;
};  // `internal`; gone after expansion

using Matcher =
    std::variant<MethodIn, PathIs, HostIs, SniIs, HeaderIs, QueryIs, PortIn, SourceIn, SourceIpIn,
                 RemoteIpIn, HasMtls, JwtValid, JwtClaim, JwtScope, PredicateRef>;

// Boolean combination. kAnd/kOr have >= 2 children, kNot exactly one, kMatcher none.
struct Condition {
  enum class Kind { kAnd, kOr, kNot, kMatcher };
  Kind kind = Kind::kMatcher;
  std::vector<Condition> children;
  std::optional<Matcher> matcher;  // kMatcher only
  Span span;
};

}  // namespace weft::dsl
