// `authenticate` on a route: what it means, as Envoy's jwt_authn filter checks tokens for a route
// and its rbac filter their claims (envoy.extensions.filters.http.jwt_authn.v3 JwtRequirement).
#include <algorithm>

#include "engine/codes.h"
#include "engine/lowering.h"
#include "engine/request.h"

namespace weft::engine {
namespace {

// What the item asks of a token of this provider.
Condition ClaimsOf(const dsl::AuthenticateItem& item, JwtId provider, Span span) {
  std::vector<Condition> all;
  for (const dsl::AuthenticateItem::Require& require : item.require) {
    ClaimMatch match{provider, {}, {}};
    if (require.scope) {
      match.claim = {"scope"};
      match.any_of.emplace_back(Exact{require.scope->value});
    } else if (require.claim) {
      match.claim = ClaimSteps(require.claim->value);
      for (const auto& pattern : require.patterns) match.any_of.push_back(pattern.value);
    }
    all.push_back(Condition::Of(std::move(match), span));
  }
  return Condition::And(std::move(all));
}

// Claims of the first provider with a good token.
Condition RequireOf(const dsl::AuthenticateItem& item, const std::vector<JwtId>& providers,
                    Span span) {
  if (item.require.empty()) return Condition::True();
  std::vector<Condition> any;
  std::vector<Condition> none_before;
  for (const JwtId provider : providers) {
    std::vector<Condition> all = none_before;
    all.push_back(ClaimsOf(item, provider, span));
    any.push_back(Condition::And(std::move(all)));
    none_before.push_back(Condition::Not(Condition::Of(JwtMatch{provider}, span)));
  }
  return providers.size() == 1 ? std::move(any.front()) : Condition::Or(std::move(any));
}

bool HasToken(const Request& request, JwtId provider, bool valid) {
  return std::any_of(request.tokens.begin(), request.tokens.end(), [&](const Token& token) {
    return token.provider == provider && token.valid == valid;
  });
}

}  // namespace

std::optional<RouteAuthentication> LowerRouteAuthentication(Lowering& l,
                                                            const dsl::AuthenticateItem& item,
                                                            Span span, WorkspaceId scope) {
  RouteAuthentication authentication{.providers = {}, .require = {}, .span = span};
  for (const dsl::Name& name : item.providers) {
    const JwtId id = l.Jwt(name, scope);
    if (!id.IsNone()) authentication.providers.push_back(id);
  }
  if (authentication.providers.empty()) return std::nullopt;
  authentication.optional = item.optional || item.tolerant;
  authentication.tolerant = item.tolerant;
  authentication.require = RequireOf(item, authentication.providers, span);
  authentication.before_authorization =
      item.phase && item.phase->phase == dsl::Phase::kBeforeAuthorization;
  return authentication;
}

std::optional<Block> CheckRouteTokens(const Model& model, const RouteModifiers& route,
                                      bool before_authorization, const Request& request,
                                      std::vector<Span>& rules) {
  const std::optional<RouteAuthentication>& wanted = route.authentication;
  if (!wanted || wanted->before_authorization != before_authorization ||
      request.layer != Layer::kHttp) {
    return std::nullopt;
  }
  const auto any = [&](bool valid) {
    return std::any_of(wanted->providers.begin(), wanted->providers.end(),
                       [&](JwtId provider) { return HasToken(request, provider, valid); });
  };
  const auto refuse = [&](int status) {
    rules.push_back(wanted->span);
    return Block{Stage::kAuthentication, status, {wanted->span}};
  };
  const bool passes = any(true) || wanted->tolerant || (wanted->optional && !any(false));
  if (!passes) return refuse(401);
  if (!Holds(model, wanted->require, request, std::nullopt)) return refuse(403);
  return std::nullopt;
}

}  // namespace weft::engine
