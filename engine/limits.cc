// What services beside the mesh say about a request: external authorizers and limiters.
#include "engine/match.h"
#include "engine/request.h"

namespace weft::engine {
namespace {

bool HasClaim(const Request& request, const LimitKey& key) {
  for (const Token& token : request.tokens) {
    if (token.provider != key.provider || !token.valid) continue;
    const auto at = token.claims.find(key.name);
    if (at != token.claims.end() && !at->second.empty()) return true;
  }
  return false;
}

// Whether the request has a value to count by.
bool HasKey(const LimitKey& key, const Request& request, const std::optional<Identity>& peer) {
  switch (key.kind) {
    case LimitKey::Kind::kSourceIdentity:
      return peer.has_value();
    case LimitKey::Kind::kHeader:
      return request.headers.contains(key.name);
    case LimitKey::Kind::kClaim:
      return HasClaim(request, key);
    case LimitKey::Kind::kSourceIp:
    case LimitKey::Kind::kRemoteIp:
    case LimitKey::Kind::kPath:
    case LimitKey::Kind::kMethod:
      return true;
  }
  return true;
}

Answer AnswerOf(const Request& request, AuthorizerId provider) {
  const auto at = request.answers.find(provider);
  return at == request.answers.end() ? Answer::kAllow : at->second;
}

}  // namespace

std::optional<Block> CheckAuthorization(const Model& model,
                                        const std::vector<ExternalAuthorization>& asked,
                                        const Request& request, const std::optional<Identity>& peer,
                                        std::vector<Span>& rules) {
  if (request.layer != Layer::kHttp) return std::nullopt;
  for (const ExternalAuthorization& one : asked) {
    if (!Holds(model, one.when, request, peer)) continue;
    const Authorizer& provider = model[one.provider];
    switch (AnswerOf(request, one.provider)) {
      case Answer::kAllow:
        rules.push_back(one.span);
        continue;
      case Answer::kDeny:
        rules.push_back(one.span);
        return Block{Stage::kExternalAuthorization, 403, {one.span}};
      case Answer::kUnavailable:
        rules.push_back(one.span);
        if (provider.allow_on_failure) continue;
        return Block{Stage::kExternalAuthorization, provider.status_on_error, {one.span}};
    }
  }
  return std::nullopt;
}

bool Counts(const Model& model, const Limit& limit, const Request& request,
            const std::optional<Identity>& peer) {
  if (request.layer != Layer::kHttp || !Holds(model, limit.when, request, peer)) return false;
  for (const LimitKey& key : limit.per) {
    if (!HasKey(key, request, peer)) return false;
  }
  return true;
}

std::optional<Block> CheckLimits(const Model& model, const std::vector<LimitId>& limits,
                                 bool before_authorization, const Request& request,
                                 const std::optional<Identity>& peer, std::vector<Span>& rules) {
  for (const LimitId id : limits) {
    const Limit& limit = model[id];
    if (limit.before_authorization != before_authorization) continue;
    if (!Counts(model, limit, request, peer)) continue;
    if (!limit.limiter.IsNone() && request.silent.contains(limit.limiter)) {
      if (limit.allow_on_error) continue;
      rules.push_back(limit.span);
      return Block{Stage::kRateLimited, 500, {limit.span}};
    }
    if (!request.exhausted.contains(id)) continue;
    rules.push_back(limit.span);
    return Block{Stage::kRateLimited, 429, {limit.span}};
  }
  return std::nullopt;
}

std::optional<Block> CheckRoute(const Model& model, const RouteModifiers& route,
                                const Request& request, const std::optional<Identity>& peer,
                                std::vector<Span>& rules) {
  if (auto block = CheckRouteTokens(model, route, true, request, rules)) return block;
  if (auto block = CheckLimits(model, route.limits, true, request, peer, rules)) return block;
  if (auto block = CheckAuthorization(model, route.authorization, request, peer, rules)) {
    return block;
  }
  if (auto block = CheckRouteTokens(model, route, false, request, rules)) return block;
  if (auto block = CheckLimits(model, route.limits, false, request, peer, rules)) return block;
  return CheckContent(route, request, rules);
}

std::set<LimitId> ExhaustedAfter(const Model& model, std::int64_t count, Millis window) {
  std::set<LimitId> exhausted;
  for (std::uint32_t i = 0; i < model.limits.size(); ++i) {
    const Limit& limit = model.limits[i];
    const bool full = count >= limit.requests + limit.burst.value_or(0);
    if (full && window <= limit.unit) exhausted.insert({i});
  }
  return exhausted;
}

}  // namespace weft::engine
