#include "engine/compiled/guards.h"

#include <algorithm>

namespace weft::engine::compiled {
namespace {

Lines One(const Span& line) { return {&line, 1}; }

const Token* TokenOf(const Request& request, JwtId provider) {
  const auto at = std::find_if(request.tokens.begin(), request.tokens.end(),
                               [&](const Token& token) { return token.provider == provider; });
  return at == request.tokens.end() ? nullptr : &*at;
}

// One good token of any provider makes up for bad ones of others; a provider that is not optional
// wants its own.
std::optional<Refusal> CheckTokens(const Guard& guard, const View& view) {
  if (guard.authentication.empty() || view.request.layer != Layer::kHttp) return std::nullopt;
  const Authentication* bad = nullptr;
  const Authentication* missing = nullptr;
  bool any_good = false;
  for (const Authentication& wanted : guard.authentication) {
    if (view.ValidToken(wanted.provider) != nullptr) {
      any_good = true;
      continue;
    }
    const Token* token = TokenOf(view.request, wanted.provider);
    if (bad == nullptr && token != nullptr && !token->valid) bad = &wanted;
    if (missing == nullptr && !wanted.optional) missing = &wanted;
  }
  if (bad != nullptr && !any_good) return Refusal{Stage::kAuthentication, 401, One(bad->span)};
  if (missing != nullptr) return Refusal{Stage::kAuthentication, 403, One(missing->span)};
  return std::nullopt;
}

MtlsMode ModeAt(const Guard& guard, std::uint16_t port) {
  if (guard.port_mtls.empty()) return guard.mtls;
  const auto at = guard.port_mtls.find(port);
  return at == guard.port_mtls.end() ? guard.mtls : at->second;
}

}  // namespace

Guards::Guards(const Model& model, RuleBook& book, Conditions& conditions) : model_(model) {
  guards_.reserve(model.guards.size());
  for (const Guard& guard : model.guards) {
    Compiled compiled{.guard = &guard, .lines = guard.spans};
    for (const Traffic traffic : {Traffic::kRequest, Traffic::kConnection}) {
      const auto at = static_cast<std::size_t>(traffic);
      compiled.deny[at] = ListOf(guard.deny, traffic, book, conditions);
      compiled.allow[at] = ListOf(guard.allow, traffic, book, conditions);
    }
    compiled.mtls = guard.mtls;
    compiled.closed = guard.closed;
    compiled.at_gateway = std::holds_alternative<GatewayId>(guard.target);
    compiled.only_access = guard.port_mtls.empty() && guard.authentication.empty() &&
                           guard.authorization.empty() && guard.limits.empty();
    guards_.push_back(compiled);
  }
}

RuleList Guards::ListOf(const Ids& ids, Traffic traffic, RuleBook& book, Conditions& conditions) {
  const auto [at, fresh] = shared_.try_emplace({ids, traffic});
  if (!fresh) return at->second;
  std::vector<Rule> rules;
  for (const AccessRuleId id : ids) {
    const AccessRule& rule = model_[id];
    if (rule.dry_run || (rule.tcp_only && traffic == Traffic::kRequest)) continue;
    rules.push_back({rule.callers, rule.when, id.value});
  }
  at->second = book.Add(rules, traffic, conditions);
  return at->second;
}

std::optional<Refusal> Guards::CheckAccess(const Compiled& guard, const Model& model,
                                           const RuleBook& book, const Conditions& conditions,
                                           const View& view, InlineList<Lines, 8>& lines) {
  const auto refuse = [&](Refusal refusal) {
    lines.push_back(refusal.lines);
    return refusal;
  };
  const bool http = view.request.layer == Layer::kHttp;
  const int status = http ? 403 : 0;
  const auto traffic = static_cast<std::size_t>(http ? Traffic::kRequest : Traffic::kConnection);
  const std::uint32_t denied = book.First(guard.deny[traffic], conditions, view);
  if (denied != RuleBook::kNone) {
    return refuse({Stage::kDenied, status, One(model[AccessRuleId{denied}].span)});
  }
  if (!guard.closed) return std::nullopt;
  const std::uint32_t allowed = book.First(guard.allow[traffic], conditions, view);
  if (allowed == RuleBook::kNone) return refuse({Stage::kNotAllowed, status, guard.lines});
  lines.push_back(One(model[AccessRuleId{allowed}].span));
  return std::nullopt;
}

std::optional<Refusal> Guards::Check(GuardNumber number, const RuleBook& book,
                                     const Conditions& conditions, const Services& services,
                                     const RouteModifiers* route, View view,
                                     InlineList<Lines, 8>& lines) const {
  const auto refuse = [&](Refusal refusal) {
    lines.push_back(refusal.lines);
    return refusal;
  };
  const Compiled& compiled = guards_[number];
  const Guard& guard = *compiled.guard;
  // Gateways terminate TLS of their own; everyone else learns identities by mTLS alone.
  if (!compiled.at_gateway) {
    const MtlsMode mode = compiled.only_access ? compiled.mtls : ModeAt(guard, view.port);
    if (mode == MtlsMode::kDisable) view.peer = nullptr;
    if (mode == MtlsMode::kStrict && view.peer == nullptr) {
      return refuse({Stage::kMtls, 0, One(guard.mtls_span)});
    }
  }
  const auto access = [&] { return CheckAccess(compiled, model_, book, conditions, view, lines); };
  if (compiled.only_access && route == nullptr) return access();
  const auto limits = [&](bool before) -> std::optional<Refusal> {
    if (auto refusal = services.CheckLimits(guard.limits, before, conditions, view, lines)) {
      return refusal;
    }
    if (route == nullptr) return std::nullopt;
    return services.CheckLimits(route->limits, before, conditions, view, lines);
  };
  const auto tokens = [&](bool before) -> std::optional<Refusal> {
    if (route == nullptr) return std::nullopt;
    return services.CheckTokens(*route, before, conditions, view, lines);
  };
  if (auto refusal = tokens(true)) return refusal;
  if (auto refusal = limits(true)) return refusal;
  const bool own =
      route != nullptr && (route->without_authorization || !route->authorization.empty());
  const auto& asked = own ? route->authorization : guard.authorization;
  if (auto refusal = services.CheckAuthorization(asked, conditions, view, lines)) return refusal;
  if (const auto refusal = CheckTokens(guard, view)) return refuse(*refusal);
  if (auto refusal = access()) return refusal;
  if (auto refusal = tokens(false)) return refusal;
  if (auto refusal = limits(false)) return refusal;
  return route == nullptr ? std::nullopt : Services::CheckContent(*route, view, lines);
}

}  // namespace weft::engine::compiled
