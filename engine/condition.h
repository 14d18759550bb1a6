// Conditions of the Model: Boolean combinations of matchers over a request, references resolved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dsl/pattern.h"
#include "dsl/span.h"
#include "engine/ids.h"
#include "engine/ip.h"

namespace weft::engine {

// A set of mTLS identities spiffe://TRUST/ns/NS/sa/ACCOUNT. An absent part admits every value.
// Never admits a caller without identity.
struct IdentitySet {
  std::optional<std::string> trust_domain;
  std::optional<std::string> ns;
  std::optional<std::string> account;
  auto operator<=>(const IdentitySet&) const = default;
};
struct AnyCaller {  // also callers without identity
  auto operator<=>(const AnyCaller&) const = default;
};
struct NoIdentity {  // callers without mTLS identity only: outside, plaintext
  auto operator<=>(const NoIdentity&) const = default;
};
struct IdentityPattern {  // pattern over the whole `spiffe://…` URI
  Pattern pattern;
  auto operator<=>(const IdentityPattern&) const = default;
};
struct OutsideOf {  // callers without identity, and every identity that is in none of the sets
  std::vector<IdentitySet> sets;
  auto operator<=>(const OutsideOf&) const = default;
};
using Caller = std::variant<AnyCaller, NoIdentity, IdentitySet, IdentityPattern, OutsideOf>;

// One `from` alternative after resolution: the callers it admits, and what it was written as.
struct CallerSet {
  std::vector<Caller> any_of;           // empty = nobody (reported when lowering)
  std::vector<WorkspaceId> workspaces;  // set when written as a workspace
  std::string text;                     // as written, for messages
  Span span;
};

struct MethodMatch {
  std::vector<std::string> any_of;
};  // upper case
struct PathMatch {
  std::vector<Pattern> any_of;
};  // normalised path without query
struct HostMatch {
  std::vector<Pattern> any_of;
};  // folded to lower case, without port
struct SniMatch {
  std::vector<Pattern> any_of;
};  // folded to lower case
struct HeaderMatch {
  std::string name;
  std::vector<Pattern> any_of;
};  // name in lower case
struct QueryMatch {
  std::string name;
  std::vector<Pattern> any_of;
};  // case-sensitive
struct PortMatch {
  std::vector<std::uint16_t> any_of;
};  // routes: listener port; access: service port
struct CallerMatch {
  std::vector<CallerSet> any_of;
};
struct SourceIpMatch {
  std::vector<Cidr> any_of;
};  // direct TCP peer
struct RemoteIpMatch {
  std::vector<Cidr> any_of;
};  // original client
struct MtlsMatch {};
struct JwtMatch {
  JwtId provider;
};  // a valid token of the provider
struct ClaimMatch {
  JwtId provider;
  std::vector<std::string> claim;
  std::vector<Pattern> any_of;
};

// "realm.roles" as the steps to the claim: ClaimMatch::claim. A dot behind a backslash belongs to a
// step, which keeps the backslash, so that joined steps are one name again.
[[nodiscard]] std::vector<std::string> ClaimSteps(const std::string& name);
// The claim as tokens call it: "shop\.example" is "shop.example".
[[nodiscard]] std::string ClaimInToken(const std::string& step);

using Matcher =
    std::variant<MethodMatch, PathMatch, HostMatch, SniMatch, HeaderMatch, QueryMatch, PortMatch,
                 CallerMatch, SourceIpMatch, RemoteIpMatch, MtlsMatch, JwtMatch, ClaimMatch>;

struct Condition {
  enum class Kind { kTrue, kFalse, kAnd, kOr, kNot, kMatcher };
  Kind kind = Kind::kTrue;
  std::vector<Condition> children;  // kAnd, kOr: any number (empty = true / false); kNot: one
  std::optional<Matcher> matcher;   // kMatcher only
  Span span;

  [[nodiscard]] static Condition True() { return {}; }
  [[nodiscard]] static Condition False() { return {Kind::kFalse, {}, {}, {}}; }
  [[nodiscard]] static Condition Of(Matcher m, Span span);
  [[nodiscard]] static Condition And(std::vector<Condition> children);  // flattens, drops true
  [[nodiscard]] static Condition Or(std::vector<Condition> children);   // flattens, drops false
  [[nodiscard]] static Condition Not(Condition child);
};

// Whether the condition looks at anything only HTTP requests have (method, path, host, headers,
// query, tokens). Such a condition says nothing about plain TCP connections.
[[nodiscard]] bool UsesHttp(const Condition& condition);
[[nodiscard]] bool UsesHttp(const Matcher& matcher);

// What is left of the condition for a connection that is not HTTP: an alternative that looks at
// HTTP never holds there, whether it asks for something or for its absence. Without negations of
// HTTP.
[[nodiscard]] Condition OnConnection(const Condition& condition);

}  // namespace weft::engine
