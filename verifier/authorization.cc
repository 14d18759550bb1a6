// External authorization and tokens: no rule of a gateway leaves out the authorizer that others ask
// for the same destination, and tokens that are checked are demanded somewhere.
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "dsl/overloaded.h"
#include "engine/fronts.h"
#include "verifier/codes.h"
#include "verifier/first_match.h"
#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

constexpr const char* kProperty = "authorizers";

using engine::RouteRule;
using engine::TargetRef;

std::vector<TargetRef> TargetsOf(const RouteRule& rule) {
  std::vector<TargetRef> targets;
  const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
  if (forwards == nullptr) return targets;
  for (const engine::Forward& forward : *forwards) {
    if (forward.weight > 0) targets.push_back(forward.target);
  }
  return targets;
}

// ---- routes that skip an authorizer

class SkippedRoutes {
 public:
  explicit SkippedRoutes(Work& work) : work_(work) {}

  void Prove() {
    const std::vector<Site> sites = GatewaySites(work_.model);
    for (const Site& site : sites) Collect(site);
    for (const Site& site : sites) {
      if (asked_.empty() || Authorizes(site)) continue;
      const std::unique_ptr<FirstMatch> rules = EachRuleOf(work_, site);
      for (std::size_t i = 0; i < site.rules.size(); ++i) ProveRule(site, *rules, i);
    }
  }

 private:
  [[nodiscard]] bool Authorizes(const Site& site) const {
    const engine::Guard* guard = work_.model.GuardOf(site.gateway, site.cluster);
    return guard != nullptr && !guard->authorization.empty();
  }

  [[nodiscard]] std::string Subject(const Site& site) const {
    return "gateway " + work_.model[site.gateway].name;
  }

  void Collect(const Site& site) {
    for (const RouteRule* rule : site.rules) {
      if (rule->modifiers.authorization.empty()) continue;
      work_.Conclude(kProperty, Subject(site), PropertyVerdict::kProved);
      for (const TargetRef& target : TargetsOf(*rule)) {
        asked_.try_emplace({site.gateway, target}, rule->modifiers.authorization.front().span);
      }
    }
  }

  void ProveRule(const Site& site, FirstMatch& rules, std::size_t i) {
    const RouteRule& rule = *site.rules[i];
    const engine::RouteModifiers& m = rule.modifiers;
    if (!m.authorization.empty() || m.without_authorization || reported_.contains(&rule)) return;
    for (const TargetRef& target : TargetsOf(rule)) {
      const auto asked = asked_.find({site.gateway, target});
      if (asked == asked_.end()) continue;
      const Taken taken = rules.Decides(i, true);
      if (taken.verdict == Verdict::kUnknown) {
        work_.Undecided(kProperty, Subject(site), rule.span, taken.reason);
      }
      if (!taken.Sat()) return;
      Report(site, rule, target, asked->second, *taken.request);
      return;
    }
  }

  void Report(const Site& site, const RouteRule& rule, const TargetRef& target, Span asked,
              const engine::Request& request) {
    reported_.insert(&rule);
    Diagnostic& d = work_.Violation(
        kProperty, Subject(site), codes::kAuthorizationSkipped, Severity::kWarning, rule.span,
        "this rule sends to `" + work_.TargetName(target) + "` without asking an authorizer");
    d.related.push_back({asked, "another rule for it asks one"});
    d.help = "say `authorize by …` here too, or `without authorization`";
    work_.Witness(request, target, true, false);
  }

  Work& work_;
  std::map<std::pair<engine::GatewayId, TargetRef>, Span> asked_;
  std::set<const RouteRule*> reported_;
};

// ---- tokens nobody has to have

void Mention(const engine::Condition& condition, std::set<engine::JwtId>& providers) {
  for (const engine::Condition& child : condition.children) Mention(child, providers);
  if (!condition.matcher) return;
  std::visit(Overloaded{
                 [&](const engine::JwtMatch& m) { providers.insert(m.provider); },
                 [&](const engine::ClaimMatch& m) { providers.insert(m.provider); },
                 [](const auto&) {},
             },
             *condition.matcher);
}

std::set<engine::JwtId> Mentioned(const engine::Model& model, const engine::Guard& guard) {
  std::set<engine::JwtId> providers;
  for (const auto* rules : {&guard.allow, &guard.deny}) {
    for (const engine::AccessRuleId id : *rules) Mention(model[id].when, providers);
  }
  for (const auto& asked : guard.authorization) Mention(asked.when, providers);
  for (const engine::LimitId id : guard.limits) {
    Mention(model[id].when, providers);
    for (const engine::LimitKey& key : model[id].per) {
      if (key.kind == engine::LimitKey::Kind::kClaim) providers.insert(key.provider);
    }
  }
  return providers;
}

class UndemandedTokens {
 public:
  explicit UndemandedTokens(Work& work) : work_(work) {}

  void Prove() {
    for (const engine::Guard& guard : work_.model.guards) {
      const auto* service = std::get_if<engine::ServiceId>(&guard.target);
      if (service == nullptr || guard.authentication.empty()) continue;
      if (engine::StandsBeforeGateway(work_.model, guard)) continue;
      const std::string subject =
          work_.Workspace(work_.model[*service].workspace) + "." + work_.model[*service].name;
      work_.Conclude(kProperty, subject, PropertyVerdict::kProved);
      const std::set<engine::JwtId> mentioned = Mentioned(work_.model, guard);
      for (const engine::Authentication& a : guard.authentication) {
        if (!a.optional || mentioned.contains(a.provider) || !reported_.insert(a.span).second) {
          continue;
        }
        Look(guard, *service, a, subject);
      }
    }
  }

 private:
  // A request without a token of the provider that is let in.
  void Look(const engine::Guard& guard, engine::ServiceId service, const engine::Authentication& a,
            const std::string& subject) {
    for (const engine::ServicePort& port : work_.model[service].In(guard.cluster)->ports) {
      if (LayerOf(port) != engine::Layer::kHttp) continue;
      const std::vector<Candidate> candidates =
          work_.callers.Relevant(CallerSetsOf(work_.model, guard), guard.cluster, false, {});
      const Study study = Prepare(work_.atlas, &candidates, [&](Space& space, Formulas& formulas) {
        const View view{.rule = nullptr, .port = port.number, .peer = nullptr};
        return std::vector<FormulaId>{
            formulas.And({Passes(space, formulas, work_.model, &guard, engine::Layer::kHttp, view),
                          space.TokenIs(a.provider, 0)})};
      });
      if (!study.decidable) {
        return work_.Undecided(kProperty, subject, a.span, study.reason);
      }
      const Found found = Ask(work_.solver, study, study.parts[0]);
      if (found.Sat()) return Report(guard, service, port, a, subject, found);
    }
  }

  void Report(const engine::Guard& guard, engine::ServiceId service,
              const engine::ServicePort& port, const engine::Authentication& a,
              const std::string& subject, const Found& found) {
    Diagnostic& d = work_.Violation(
        kProperty, subject, codes::kTokenNotDemanded, Severity::kWarning, a.span,
        "tokens of `" + work_.model[a.provider].name + "` are checked, and none is demanded");
    d.help = "drop `optional`, or write `when jwt " + work_.model[a.provider].name +
             "` where access is allowed";
    work_.Witness(
        found.Request(RequestTo(work_.model, service, guard.cluster, port, *found.Caller())),
        TargetRef(service), true, false);
  }

  Work& work_;
  std::set<Span> reported_;
};

}  // namespace

void ProveAuthorization(Work& work) {
  SkippedRoutes(work).Prove();
  UndemandedTokens(work).Prove();
}

}  // namespace weft::verifier
