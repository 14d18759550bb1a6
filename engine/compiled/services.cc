#include "engine/compiled/services.h"

#include <algorithm>

#include "engine/match.h"

namespace weft::engine::compiled {
namespace {

const std::vector<CallerSet> kEveryCaller;

Refusal Refuse(Stage stage, int status, const Span& line, InlineList<Lines, 8>& lines) {
  const Refusal refusal{stage, status, {&line, 1}};
  lines.push_back(refusal.lines);
  return refusal;
}

bool IsHttp(const View& view) { return view.request.layer == Layer::kHttp; }

// Host and port in front of the first slash, behind the scheme.
std::string_view Authority(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return url.substr(0, url.find('/'));
}

bool IsForeign(const Csrf& csrf, const View& view) {
  const std::string& method = view.request.method;
  if (method != "POST" && method != "PUT" && method != "DELETE" && method != "PATCH") return false;
  std::string scratch;
  std::string_view origin;
  for (const char* name : {"origin", "referer"}) {
    const auto value = view.Header(name, scratch);
    if (value) origin = Authority(*value);
    if (!origin.empty()) break;
  }
  if (!origin.empty() && origin == view.host) return false;
  return origin.empty() ||
         std::none_of(csrf.origins.begin(), csrf.origins.end(),
                      [&](const Pattern& p) { return Matches(p, std::string(origin)); });
}

}  // namespace

Services::Services(const Model& model, Conditions& conditions) : model_(model) {
  for (const Limit& limit : model.limits) {
    limits_.push_back(conditions.Compile(kEveryCaller, limit.when, Traffic::kRequest));
  }
  const auto add = [&](const std::vector<ExternalAuthorization>& asked) {
    for (const ExternalAuthorization& one : asked) {
      asked_.emplace(&one, conditions.Compile(kEveryCaller, one.when, Traffic::kRequest));
    }
  };
  for (const Guard& guard : model.guards) add(guard.authorization);
  for (const Table& table : model.tables) {
    for (const RouteRule& rule : table.rules) {
      add(rule.modifiers.authorization);
      const auto& tokens = rule.modifiers.authentication;
      if (!tokens) continue;
      required_.emplace(&*tokens,
                        conditions.Compile(kEveryCaller, tokens->require, Traffic::kRequest));
    }
  }
}

std::optional<Refusal> Services::CheckAuthorization(const std::vector<ExternalAuthorization>& asked,
                                                    const Conditions& conditions, const View& view,
                                                    InlineList<Lines, 8>& lines) const {
  if (asked.empty() || !IsHttp(view)) return std::nullopt;
  for (const ExternalAuthorization& one : asked) {
    if (!conditions.Holds(asked_.at(&one), view)) continue;
    const auto said = view.request.answers.find(one.provider);
    const Answer answer = said == view.request.answers.end() ? Answer::kAllow : said->second;
    const Authorizer& provider = model_[one.provider];
    if (answer == Answer::kDeny) {
      return Refuse(Stage::kExternalAuthorization, 403, one.span, lines);
    }
    if (answer == Answer::kUnavailable && !provider.allow_on_failure) {
      return Refuse(Stage::kExternalAuthorization, provider.status_on_error, one.span, lines);
    }
    lines.push_back({&one.span, 1});
  }
  return std::nullopt;
}

// A value for each key, or nothing to count by.
bool Services::Counts(const Limit& limit, const View& view) const {
  return std::all_of(limit.per.begin(), limit.per.end(), [&](const LimitKey& key) {
    std::string scratch;
    switch (key.kind) {
      case LimitKey::Kind::kSourceIdentity:
        return view.peer != nullptr;
      case LimitKey::Kind::kHeader:
        return view.Header(key.name, scratch).has_value();
      case LimitKey::Kind::kClaim: {
        const Token* token = view.ValidToken(key.provider);
        if (token == nullptr) return false;
        const auto claim = token->claims.find(key.name);
        return claim != token->claims.end() && !claim->second.empty();
      }
      case LimitKey::Kind::kSourceIp:
      case LimitKey::Kind::kRemoteIp:
      case LimitKey::Kind::kPath:
      case LimitKey::Kind::kMethod:
        return true;
    }
    return true;
  });
}

std::optional<Refusal> Services::CheckLimits(const std::vector<LimitId>& limits,
                                             bool before_authorization,
                                             const Conditions& conditions, const View& view,
                                             InlineList<Lines, 8>& lines) const {
  const Request& request = view.request;
  if (limits.empty() || !IsHttp(view)) return std::nullopt;
  if (request.exhausted.empty() && request.silent.empty()) return std::nullopt;
  for (const LimitId id : limits) {
    const Limit& limit = model_[id];
    const bool silent = !limit.limiter.IsNone() && request.silent.contains(limit.limiter);
    const bool refuses = silent ? !limit.allow_on_error : request.exhausted.contains(id);
    if (!refuses || limit.before_authorization != before_authorization) continue;
    if (!conditions.Holds(limits_[id.index()], view) || !Counts(limit, view)) continue;
    return Refuse(Stage::kRateLimited, silent ? 500 : 429, limit.span, lines);
  }
  return std::nullopt;
}

std::optional<Refusal> Services::CheckTokens(const RouteModifiers& route, bool before_authorization,
                                             const Conditions& conditions, const View& view,
                                             InlineList<Lines, 8>& lines) const {
  const std::optional<RouteAuthentication>& wanted = route.authentication;
  if (!wanted || wanted->before_authorization != before_authorization || !IsHttp(view)) {
    return std::nullopt;
  }
  bool good = false;
  bool bad = false;
  for (const Token& token : view.request.tokens) {
    const auto& names = wanted->providers;
    if (std::find(names.begin(), names.end(), token.provider) == names.end()) continue;
    (token.valid ? good : bad) = true;
  }
  if (!good && !wanted->tolerant && (bad || !wanted->optional)) {
    return Refuse(Stage::kAuthentication, 401, wanted->span, lines);
  }
  if (conditions.Holds(required_.at(&*wanted), view)) return std::nullopt;
  return Refuse(Stage::kAuthentication, 403, wanted->span, lines);
}

std::optional<Refusal> Services::CheckContent(const RouteModifiers& route, const View& view,
                                              InlineList<Lines, 8>& lines) {
  if (!IsHttp(view)) return std::nullopt;
  const std::optional<Csrf>& csrf = route.csrf;
  if (csrf && !csrf->shadow && csrf->share >= 100 && IsForeign(*csrf, view)) {
    return Refuse(Stage::kForeignOrigin, 403, csrf->span, lines);
  }
  if (route.body_limit && view.request.body_bytes > route.body_limit->bytes) {
    return Refuse(Stage::kBodyTooLarge, 413, route.body_limit->span, lines);
  }
  return std::nullopt;
}

std::optional<Refusal> Services::CheckRoute(const RouteModifiers& route,
                                            const Conditions& conditions, const View& view,
                                            InlineList<Lines, 8>& lines) const {
  if (auto refusal = CheckTokens(route, true, conditions, view, lines)) return refusal;
  if (auto refusal = CheckLimits(route.limits, true, conditions, view, lines)) return refusal;
  if (auto refusal = CheckAuthorization(route.authorization, conditions, view, lines)) {
    return refusal;
  }
  if (auto refusal = CheckTokens(route, false, conditions, view, lines)) return refusal;
  if (auto refusal = CheckLimits(route.limits, false, conditions, view, lines)) return refusal;
  return CheckContent(route, view, lines);
}

}  // namespace weft::engine::compiled
