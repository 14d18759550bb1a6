#include <algorithm>
#include <string>
#include <string_view>

#include "dsl/overloaded.h"
#include "engine/match.h"
#include "engine/request.h"

namespace weft::engine {
namespace {

bool AnyMatches(const std::vector<Pattern>& patterns, std::string_view value) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const Pattern& pattern) { return Matches(pattern, value); });
}

bool InSet(const IdentitySet& set, const Identity& identity) {
  const auto part = [](const std::optional<std::string>& wanted, const std::string& found) {
    return !wanted || *wanted == found;
  };
  return part(set.trust_domain, identity.trust_domain) && part(set.ns, identity.ns) &&
         part(set.account, identity.account);
}

bool Admits(const Caller& caller, const std::optional<Identity>& peer) {
  return std::visit(
      Overloaded{
          [](const AnyCaller&) { return true; },
          [&](const NoIdentity&) { return !peer.has_value(); },
          [&](const IdentitySet& set) { return peer && InSet(set, *peer); },
          [&](const OutsideOf& outside) {
            return !peer || std::none_of(outside.sets.begin(), outside.sets.end(),
                                         [&](const IdentitySet& set) { return InSet(set, *peer); });
          },
          [&](const IdentityPattern& identity) {
            return peer && Matches(identity.pattern, peer->Uri());
          },
      },
      caller);
}

bool AdmitsAny(const std::vector<CallerSet>& sets, const std::optional<Identity>& peer) {
  return std::any_of(sets.begin(), sets.end(), [&](const CallerSet& set) {
    return std::any_of(set.any_of.begin(), set.any_of.end(),
                       [&](const Caller& caller) { return Admits(caller, peer); });
  });
}

const Token* ValidToken(const Request& request, JwtId provider) {
  for (const Token& token : request.tokens) {
    if (token.provider == provider && token.valid) return &token;
  }
  return nullptr;
}

bool InBlocks(const std::vector<Cidr>& blocks, const std::string& address) {
  const std::optional<Ip> ip = Ip::Parse(address);
  return ip && std::any_of(blocks.begin(), blocks.end(),
                           [&](const Cidr& block) { return block.Contains(*ip); });
}

bool ClaimHolds(const ClaimMatch& match, const Request& request) {
  const Token* token = ValidToken(request, match.provider);
  if (token == nullptr) return false;
  std::string path;
  for (const std::string& step : match.claim) path += (path.empty() ? "" : ".") + step;
  const auto claim = token->claims.find(path);
  if (claim == token->claims.end()) return false;
  return std::any_of(claim->second.begin(), claim->second.end(),
                     [&](const std::string& value) { return AnyMatches(match.any_of, value); });
}

// An absent header or query parameter matches nothing, not even an empty pattern.
bool EntryHolds(const std::map<std::string, std::string>& entries, const std::string& name,
                const std::vector<Pattern>& patterns) {
  const auto at = entries.find(name);
  return at != entries.end() && AnyMatches(patterns, at->second);
}

bool MatcherHolds(const Matcher& matcher, const Request& request,
                  const std::optional<Identity>& peer) {
  const auto contains = [](const auto& list, const auto& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  return std::visit(
      Overloaded{
          [&](const MethodMatch& m) { return contains(m.any_of, request.method); },
          [&](const PathMatch& m) { return AnyMatches(m.any_of, request.path); },
          [&](const HostMatch& m) { return AnyMatches(m.any_of, request.host); },
          [&](const SniMatch& m) { return AnyMatches(m.any_of, request.sni); },
          [&](const HeaderMatch& m) { return EntryHolds(request.headers, m.name, m.any_of); },
          [&](const QueryMatch& m) { return EntryHolds(request.query, m.name, m.any_of); },
          [&](const PortMatch& m) { return contains(m.any_of, request.port); },
          [&](const CallerMatch& m) { return AdmitsAny(m.any_of, peer); },
          [&](const SourceIpMatch& m) { return InBlocks(m.any_of, request.source_ip); },
          [&](const RemoteIpMatch& m) {
            return InBlocks(m.any_of,
                            request.remote_ip.empty() ? request.source_ip : request.remote_ip);
          },
          [&](const MtlsMatch&) { return peer.has_value(); },
          [&](const JwtMatch& m) { return ValidToken(request, m.provider) != nullptr; },
          [&](const ClaimMatch& m) { return ClaimHolds(m, request); },
      },
      matcher);
}

// JWT of a request: with several providers one valid token suffices, else none may be invalid
// (Istio RequestAuthentication; reference istio.io security/v1 RequestAuthentication).
std::optional<Block> CheckTokens(const Guard& guard, const Request& request,
                                 std::vector<Span>& rules) {
  if (guard.authentication.empty() || request.layer != Layer::kHttp) return std::nullopt;
  const auto state = [&](JwtId provider) -> const Token* {
    for (const Token& token : request.tokens) {
      if (token.provider == provider) return &token;
    }
    return nullptr;
  };
  const bool any_valid = std::any_of(
      guard.authentication.begin(), guard.authentication.end(),
      [&](const Authentication& a) { return ValidToken(request, a.provider) != nullptr; });
  for (const Authentication& authentication : guard.authentication) {
    const Token* token = state(authentication.provider);
    if (!any_valid && token != nullptr && !token->valid) {
      rules.push_back(authentication.span);
      return Block{Stage::kAuthentication, 401, {authentication.span}};
    }
  }
  for (const Authentication& authentication : guard.authentication) {
    if (!authentication.optional && ValidToken(request, authentication.provider) == nullptr) {
      rules.push_back(authentication.span);
      return Block{Stage::kAuthentication, 403, {authentication.span}};
    }
  }
  return std::nullopt;
}

bool RuleApplies(const Model& model, const AccessRule& rule, const Request& request,
                 const std::optional<Identity>& peer) {
  if (rule.dry_run) return false;
  if (rule.tcp_only && request.layer == Layer::kHttp) return false;
  if (!rule.callers.empty() && !AdmitsAny(rule.callers, peer)) return false;
  if (request.layer != Layer::kHttp) return Holds(model, OnConnection(rule.when), request, peer);
  return Holds(model, rule.when, request, peer);
}

}  // namespace

bool Admits(const std::vector<CallerSet>& sets, const std::optional<Identity>& peer) {
  return AdmitsAny(sets, peer);
}

bool Holds(const Model& model, const Condition& condition, const Request& request,
           const std::optional<Identity>& peer) {
  const auto holds = [&](const Condition& child) { return Holds(model, child, request, peer); };
  switch (condition.kind) {
    case Condition::Kind::kTrue:
      return true;
    case Condition::Kind::kFalse:
      return false;
    case Condition::Kind::kAnd:
      return std::all_of(condition.children.begin(), condition.children.end(), holds);
    case Condition::Kind::kOr:
      return std::any_of(condition.children.begin(), condition.children.end(), holds);
    case Condition::Kind::kNot:
      return !holds(condition.children.front());
    case Condition::Kind::kMatcher:
      return MatcherHolds(*condition.matcher, request, peer);
  }
  return false;
}

namespace {

// The first rule of the list that applies; nullptr.
const AccessRule* FirstThatApplies(const Model& model, const std::vector<AccessRuleId>& ids,
                                   const Request& request, const std::optional<Identity>& peer) {
  for (const AccessRuleId id : ids) {
    if (RuleApplies(model, model[id], request, peer)) return &model[id];
  }
  return nullptr;
}

std::optional<Block> CheckAccess(const Model& model, const Guard& guard, const Request& request,
                                 const std::optional<Identity>& peer, std::vector<Span>& rules) {
  const int refusal = request.layer == Layer::kHttp ? 403 : 0;
  if (const AccessRule* deny = FirstThatApplies(model, guard.deny, request, peer)) {
    rules.push_back(deny->span);
    return Block{Stage::kDenied, refusal, {deny->span}};
  }
  if (!guard.closed) return std::nullopt;
  if (const AccessRule* allow = FirstThatApplies(model, guard.allow, request, peer)) {
    rules.push_back(allow->span);
    return std::nullopt;
  }
  rules.insert(rules.end(), guard.spans.begin(), guard.spans.end());
  return Block{Stage::kNotAllowed, refusal, guard.spans};
}

}  // namespace

std::optional<Block> CheckGuard(const Model& model, const Guard& guard, const Request& request,
                                const std::optional<Identity>& sent, std::uint16_t service_port,
                                std::vector<Span>& rules, const RouteModifiers* route) {
  const auto port_mode = guard.port_mtls.find(service_port);
  const MtlsMode mode = port_mode != guard.port_mtls.end() ? port_mode->second : guard.mtls;
  // A server that does not speak mTLS learns no identity; clients see that and send clear text.
  const bool blind = mode == MtlsMode::kDisable && !std::holds_alternative<GatewayId>(guard.target);
  const std::optional<Identity> peer = blind ? std::nullopt : sent;
  if (mode == MtlsMode::kStrict && !peer && !std::holds_alternative<GatewayId>(guard.target)) {
    rules.push_back(guard.mtls_span);
    return Block{Stage::kMtls, 0, {guard.mtls_span}};
  }
  Request seen = request;
  seen.port = service_port;
  const auto tokens = [&](bool before) -> std::optional<Block> {
    if (route == nullptr) return std::nullopt;
    return CheckRouteTokens(model, *route, before, seen, rules);
  };
  if (auto block = tokens(true)) return block;
  std::vector<LimitId> limits = guard.limits;
  if (route != nullptr) limits.insert(limits.end(), route->limits.begin(), route->limits.end());
  if (auto block = CheckLimits(model, limits, true, seen, peer, rules)) return block;
  const bool own =
      route != nullptr && (route->without_authorization || !route->authorization.empty());
  const auto& asked = own ? route->authorization : guard.authorization;
  if (auto block = CheckAuthorization(model, asked, seen, peer, rules)) return block;
  if (auto block = CheckTokens(guard, request, rules)) return block;
  if (auto block = CheckAccess(model, guard, seen, peer, rules)) return block;
  if (auto block = tokens(false)) return block;
  if (auto block = CheckLimits(model, limits, false, seen, peer, rules)) return block;
  return route == nullptr ? std::nullopt : CheckContent(*route, seen, rules);
}

}  // namespace weft::engine
