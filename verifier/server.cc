#include "verifier/server.h"

#include <algorithm>

#include "verifier/callers.h"

namespace weft::verifier {
namespace {

constexpr std::uint32_t kValid = 1;
constexpr std::uint32_t kInvalid = 2;

// As CheckTokens of engine/holds.cc: one valid token suffices, else none may be invalid; required
// providers must have a valid one.
FormulaId TokensPass(Space& space, Formulas& formulas, const engine::Guard& guard) {
  std::vector<FormulaId> valid;
  std::vector<FormulaId> invalid;
  std::vector<FormulaId> required;
  for (const engine::Authentication& a : guard.authentication) {
    valid.push_back(space.TokenIs(a.provider, kValid));
    invalid.push_back(space.TokenIs(a.provider, kInvalid));
    if (!a.optional) required.push_back(valid.back());
  }
  const FormulaId any_valid = formulas.Or(std::move(valid));
  const FormulaId none_invalid = formulas.Not(formulas.Or(std::move(invalid)));
  required.push_back(formulas.Or({any_valid, none_invalid}));
  return formulas.And(std::move(required));
}

// As engine::CheckRouteTokens.
FormulaId RouteTokensPass(Space& space, Formulas& formulas,
                          const engine::RouteAuthentication& wanted, const View& view) {
  std::vector<FormulaId> pass;
  std::vector<FormulaId> bad;
  for (const engine::JwtId provider : wanted.providers) {
    pass.push_back(space.TokenIs(provider, kValid));
    bad.push_back(space.TokenIs(provider, kInvalid));
  }
  if (wanted.tolerant) pass.push_back(kTrue);
  if (wanted.optional) pass.push_back(formulas.Not(formulas.Or(std::move(bad))));
  return formulas.And({formulas.Or(std::move(pass)), space.Encode(wanted.require, view)});
}

engine::MtlsMode ModeAt(const engine::Guard& guard, const View& view) {
  const auto at = guard.port_mtls.find(view.port.value_or(0));
  return at != guard.port_mtls.end() ? at->second : guard.mtls;
}

FormulaId HasIdentity(Space& space, const View& view) {
  if (view.peer != nullptr) return view.peer->has_value() ? kTrue : kFalse;
  return space.CallerIs([](const Candidate& c) { return c.identity.has_value(); });
}

// As engine::CheckAuthorization: whoever is asked allows, or does not answer and need not.
void AddAuthorization(Space& space, Formulas& formulas, const engine::Model& model,
                      const std::vector<engine::ExternalAuthorization>& asked, const View& view,
                      std::vector<Constraint>& all) {
  for (const engine::ExternalAuthorization& one : asked) {
    std::vector<FormulaId> any{formulas.Not(space.Encode(one.when, view)),
                               space.AnswerIs(one.provider, engine::Answer::kAllow)};
    if (model[one.provider].allow_on_failure) {
      any.push_back(space.AnswerIs(one.provider, engine::Answer::kUnavailable));
    }
    all.push_back({formulas.Or(std::move(any)), {one.span}});
  }
}

FormulaId HasKey(Space& space, const engine::LimitKey& key, const View& view) {
  using Kind = engine::LimitKey::Kind;
  const auto present = [&](engine::Matcher matcher) {
    return space.Encode(engine::Condition::Of(std::move(matcher), {}), view);
  };
  switch (key.kind) {
    case Kind::kSourceIdentity:
      return HasIdentity(space, view);
    case Kind::kHeader:
      return present(engine::HeaderMatch{key.name, {Present{}}});
    case Kind::kClaim:
      return present(engine::ClaimMatch{key.provider, {key.name}, {Present{}}});
    case Kind::kSourceIp:
    case Kind::kRemoteIp:
    case Kind::kPath:
    case Kind::kMethod:
      return kTrue;
  }
  return kTrue;
}

// As engine::CheckLimits: what is counted finds room, or a limiter that answers or need not.
void AddLimits(Space& space, Formulas& formulas, const engine::Model& model,
               const std::vector<engine::LimitId>& limits, const View& view,
               std::vector<Constraint>& all) {
  for (const engine::LimitId id : limits) {
    const engine::Limit& limit = model[id];
    FormulaId passes = space.HasRoom(id);
    if (!limit.limiter.IsNone()) {
      const FormulaId answers = space.Answers(limit.limiter);
      passes = limit.allow_on_error ? formulas.Or({passes, formulas.Not(answers)})
                                    : formulas.And({passes, answers});
    }
    all.push_back(
        {formulas.Or({formulas.Not(Counted(space, formulas, limit, view)), passes}), {limit.span}});
  }
}

}  // namespace

View SeenBy(const engine::Guard* guard, View view) {
  static const std::optional<engine::Identity> kNobody;
  if (guard == nullptr || std::holds_alternative<engine::GatewayId>(guard->target)) return view;
  if (ModeAt(*guard, view) == engine::MtlsMode::kDisable) view.peer = &kNobody;
  return view;
}

FormulaId Counted(Space& space, Formulas& formulas, const engine::Limit& limit, const View& view) {
  std::vector<FormulaId> all{space.Encode(limit.when, view)};
  for (const engine::LimitKey& key : limit.per) all.push_back(HasKey(space, key, view));
  return formulas.And(std::move(all));
}

FormulaId Applies(Space& space, Formulas& formulas, const engine::AccessRule& rule,
                  engine::Layer layer, const View& view) {
  if (rule.dry_run) return kFalse;
  if (rule.tcp_only && layer == engine::Layer::kHttp) return kFalse;
  std::vector<FormulaId> all;
  if (!rule.callers.empty()) all.push_back(space.Callers(rule.callers, view));
  const bool http = layer == engine::Layer::kHttp;
  all.push_back(space.Encode(http ? rule.when : engine::OnConnection(rule.when), view));
  return formulas.And(std::move(all));
}

std::vector<Constraint> ConstraintsOf(Space& space, Formulas& formulas, const engine::Model& model,
                                      const engine::Guard* guard, engine::Layer layer,
                                      const View& sent, const engine::RouteModifiers* route) {
  std::vector<Constraint> all;
  View view = sent;
  const bool http = layer == engine::Layer::kHttp;
  const bool own =
      route != nullptr && (route->without_authorization || !route->authorization.empty());
  if (route != nullptr && http) {
    AddAuthorization(space, formulas, model, route->authorization, view, all);
    AddLimits(space, formulas, model, route->limits, view, all);
    if (const auto& tokens = route->authentication) {
      all.push_back({RouteTokensPass(space, formulas, *tokens, view), {tokens->span}});
    }
  }
  if (guard == nullptr) return all;
  const bool at_gateway = std::holds_alternative<engine::GatewayId>(guard->target);
  const engine::MtlsMode mode = ModeAt(*guard, view);
  view = SeenBy(guard, view);
  if (mode == engine::MtlsMode::kStrict && !at_gateway) {
    all.push_back({HasIdentity(space, view), {guard->mtls_span}});
  }
  if (http && !own) AddAuthorization(space, formulas, model, guard->authorization, view, all);
  if (http) AddLimits(space, formulas, model, guard->limits, view, all);
  if (http && !guard->authentication.empty()) {
    std::vector<Span> spans;
    for (const engine::Authentication& a : guard->authentication) spans.push_back(a.span);
    all.push_back({TokensPass(space, formulas, *guard), std::move(spans)});
  }
  for (const engine::AccessRuleId id : guard->deny) {
    all.push_back({formulas.Not(Applies(space, formulas, model[id], layer, view)),
                   {model[id].span},
                   Constraint::Kind::kDeny});
  }
  if (guard->closed) {
    Constraint closed{kFalse, guard->spans, Constraint::Kind::kClosed};
    std::vector<FormulaId> any;
    for (const engine::AccessRuleId id : guard->allow) {
      any.push_back(Applies(space, formulas, model[id], layer, view));
      closed.spans.push_back(model[id].span);
    }
    closed.formula = formulas.Or(std::move(any));
    all.push_back(std::move(closed));
  }
  return all;
}

FormulaId Passes(Space& space, Formulas& formulas, const engine::Model& model,
                 const engine::Guard* guard, engine::Layer layer, const View& view,
                 const engine::RouteModifiers* route) {
  std::vector<FormulaId> all;
  for (const Constraint& c : ConstraintsOf(space, formulas, model, guard, layer, view, route)) {
    all.push_back(c.formula);
  }
  return formulas.And(std::move(all));
}

std::vector<const engine::CallerSet*> CallerSetsOf(const engine::Model& model,
                                                   const engine::Guard& guard) {
  std::vector<const engine::CallerSet*> sets;
  for (const auto* rules : {&guard.deny, &guard.allow}) {
    for (const engine::AccessRuleId id : *rules) {
      for (const engine::CallerSet& set : model[id].callers) sets.push_back(&set);
      CollectCallerSets(model[id].when, sets);
    }
  }
  for (const auto& asked : guard.authorization) CollectCallerSets(asked.when, sets);
  for (const engine::LimitId id : guard.limits) CollectCallerSets(model[id].when, sets);
  return sets;
}

}  // namespace weft::verifier
